// SPDX-License-Identifier: Apache-2.0
#include "request/access_log.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/strings.h"
#include "request/front.h"

namespace uwsgi {
namespace {

constexpr size_t kFlushAbove = 32768;
constexpr size_t kLongestLine = 4096;  // longer ones are cut down, so that a line stays one write

}  // namespace

AccessLog::AccessLog(const AccessLogSpec& spec, int worker_id)
    : spec_(spec), worker_id_(worker_id), pid_(::getpid()), format_(spec.format) {}

bool AccessLog::Wants(const Request& request, const Response& response, int64_t micros) const {
  if (spec_.enabled || request.log_always) return true;
  if (spec_.log_zero && response.body_bytes() == 0) return true;
  if (spec_.slow_ms >= 0 && micros >= spec_.slow_ms * 1000) return true;
  if (spec_.log_4xx && response.status() >= 400 && response.status() < 500) return true;
  if (spec_.log_5xx && response.status() >= 500 && response.status() < 600) return true;
  if (spec_.big_bytes >= 0 && response.body_bytes() >= static_cast<uint64_t>(spec_.big_bytes))
    return true;
  if (spec_.sendfile && response.via() == Response::Via::kSendfile) return true;
  return spec_.ioerror && (response.client_gone() || request.body.failed());
}

void AccessLog::Add(const Request& request, const Response& response,
                    const RequestFigures& figures) {
  const std::lock_guard lock(mutex_);
  if (format_.empty() && !spec_.json) {
    AddDefault(request, response, figures);
  } else {
    AddTemplated(
        {request, response, figures, spec_, worker_id_, pid_, Address(request), WallMicros()});
  }
  if (buffer_.size() > kFlushAbove) FlushLocked();
}

void AccessLog::Flush() {
  const std::lock_guard lock(mutex_);
  FlushLocked();
}

void AccessLog::FlushLocked() {
  if (buffer_.empty()) return;
  LogRequestLines(buffer_);
  buffer_.clear();
}

ByteView AccessLog::Address(const Request& request) const {
  // compat: log-x-forwarded-for alone takes everybody's word; with trusted-proxy only that of
  // those.
  if (spec_.forwarded_for &&
      (request.trusts_peer || request.front->spec->trusted_proxies.empty())) {
    const ByteView forwarded = request.vars.Get(CgiName::kHttpXForwardedFor);
    if (!forwarded.empty()) return forwarded;
  }
  return request.vars.Get(CgiName::kRemoteAddr);
}

const std::string& AccessLog::TimeText(int64_t wall_s) {
  if (wall_s != time_text_s_) {
    time_text_ = LocalTimeText(wall_s, "%a %b %e %H:%M:%S %Y");
    time_text_s_ = wall_s;
  }
  return time_text_;
}

void AccessLog::AddDefault(const Request& request, const Response& response,
                           const RequestFigures& figures) {
  const size_t start = buffer_.size();
  const auto line = std::back_inserter(buffer_);
  const VarTable& vars = request.vars;
  const int64_t wall_s = (WallMicros() - figures.micros) / 1'000'000;
  ByteView address = Address(request);
  ByteView user = vars.Get(CgiName::kRemoteUser);
  ByteView method = vars.Get(CgiName::kRequestMethod);
  ByteView uri = vars.Get(CgiName::kRequestUri);
  ByteView protocol = vars.Get(CgiName::kServerProtocol);
  if (address.size() + user.size() + method.size() + uri.size() + protocol.size() + 400 >
      kLongestLine) {
    address = "0.0.0.0";
    user = {};
    method = uri = protocol = "-";
  }
  if (spec_.host_first) {
    AppendPrintable(buffer_, vars.Get(CgiName::kHttpHost));
    buffer_.push_back(' ');
  }
  if (spec_.memory) {
    const MemoryFigures memory = ReadMemory();
    fmt::format_to(line, "{{address space usage: {} bytes/{}MB}} {{rss usage: {} bytes/{}MB}} ",
                   memory.vsz, memory.vsz >> 20, memory.rss, memory.rss >> 20);
  }
  fmt::format_to(line, "[pid: {}|app: {}|req: ", pid_, request.app);
  if (request.app < 0) {
    buffer_.append("-1");
  } else {
    fmt::format_to(line, "{}", request.app_requests);
  }
  fmt::format_to(line, "/{}] ", figures.total_requests);
  AppendPrintable(buffer_, address);
  buffer_.append(" (");
  AppendPrintable(buffer_, user);
  fmt::format_to(line, ") {{{} vars in {} bytes}} [{}] ", request.VarCount(), request.PacketSize(),
                 TimeText(wall_s));
  AppendPrintable(buffer_, method);
  buffer_.push_back(' ');
  AppendPrintable(buffer_, uri);
  fmt::format_to(line, " => generated {} bytes in {} {}{}(", response.body_bytes(),
                 spec_.micros ? figures.micros : figures.micros / 1000,
                 spec_.micros ? "micros" : "msecs",
                 response.via() == Response::Via::kSendfile ? " via sendfile() " : " ");
  AppendPrintable(buffer_, protocol);
  fmt::format_to(line, " {}) {} headers in {} bytes ({} switches on core {})\n", response.status(),
                 response.header_count(), response.header_bytes(), response.switches(),
                 request.core);
  if (buffer_.size() - start > kLongestLine) {
    buffer_.resize(start + kLongestLine - 1);
    buffer_.push_back('\n');
  }
}

void AccessLog::AddTemplated(const LogMoment& moment) {
  if (spec_.json) {
    std::string message;
    format_.Append(message, moment);
    AppendRequestJson(buffer_, moment, message);
  } else {
    format_.Append(buffer_, moment);
  }
  buffer_.push_back('\n');
}

}  // namespace uwsgi
