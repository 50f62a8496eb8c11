// SPDX-License-Identifier: Apache-2.0
#include "request/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "request/front.h"

namespace uwsgi {
namespace {

constexpr size_t kFlushAbove = 32768;
constexpr size_t kLongestLine = 4096;  // longer ones are cut down, so that a line stays one write
constexpr size_t kLongestLogVar = 255;

std::string LocalTime(int64_t wall_s, const char* format) {
  const auto seconds = static_cast<time_t>(wall_s);
  tm local{};
  ::localtime_r(&seconds, &local);
  char text[256];
  return std::string(text, std::strftime(text, sizeof text, format, &local));
}

// Whatever a client sent must not be able to forge a line or drive a terminal.
void AppendEscaped(std::string& to, ByteView text) {
  size_t start = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    to.append(text.substr(start, at - start));
    fmt::format_to(std::back_inserter(to), "\\x{:02x}", byte);
    start = at + 1;
  }
  to.append(text.substr(start));
}

// Resident and virtual size of this process in bytes.
struct MemoryFigures {
  uint64_t rss = 0;
  uint64_t vsz = 0;
};
MemoryFigures ReadMemory() {
  char text[128];
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof text - 1);
  if (fd >= 0) ::close(fd);
  const auto words = SplitWords(ByteView(text, static_cast<size_t>(std::max<ssize_t>(size, 0))));
  if (words.size() < 2) return {};
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return {static_cast<uint64_t>(ParseInt(words[1]).value_or(0)) * page,
          static_cast<uint64_t>(ParseInt(words[0]).value_or(0)) * page};
}

}  // namespace

AccessLog::AccessLog(const AccessLogSpec& spec, int worker_id)
    : spec_(spec), worker_id_(worker_id), pid_(::getpid()) {
  const std::string& format = spec.format;
  for (size_t at = 0; at < format.size();) {
    const size_t open = format.find("%(", at);
    const size_t close = open == std::string::npos ? open : format.find(')', open);
    if (close == std::string::npos) {
      pieces_.push_back({format.substr(at), {}});
      break;
    }
    if (open > at) pieces_.push_back({format.substr(at, open - at), {}});
    pieces_.push_back({{}, format.substr(open + 2, close - open - 2)});
    at = close + 1;
  }
}

bool AccessLog::Wants(const Request& request, const Response& response, int64_t micros) const {
  if (spec_.enabled || request.log_always) return true;
  if (spec_.log_zero && response.body_bytes() == 0) return true;
  if (spec_.slow_ms >= 0 && micros >= spec_.slow_ms * 1000) return true;
  if (spec_.log_4xx && response.status() >= 400 && response.status() < 500) return true;
  if (spec_.log_5xx && response.status() >= 500 && response.status() < 600) return true;
  if (spec_.big_bytes >= 0 && response.body_bytes() >= static_cast<uint64_t>(spec_.big_bytes))
    return true;
  if (spec_.sendfile && response.via() == Response::Via::kSendfile) return true;
  return spec_.ioerror && response.client_gone();
}

void AccessLog::Add(const Request& request, const Response& response,
                    const RequestFigures& figures) {
  const std::lock_guard lock(mutex_);
  if (pieces_.empty()) {
    AddDefault(request, response, figures);
  } else {
    AddFormatted(request, response, figures);
  }
  if (buffer_.size() > kFlushAbove) FlushLocked();
}

void AccessLog::Flush() {
  const std::lock_guard lock(mutex_);
  FlushLocked();
}

void AccessLog::FlushLocked() {
  if (buffer_.empty()) return;
  LogRaw(buffer_);
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
    time_text_ = LocalTime(wall_s, "%a %b %e %H:%M:%S %Y");
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
    AppendEscaped(buffer_, vars.Get(CgiName::kHttpHost));
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
  AppendEscaped(buffer_, address);
  buffer_.append(" (");
  AppendEscaped(buffer_, user);
  fmt::format_to(line, ") {{{} vars in {} bytes}} [{}] ", request.VarCount(), request.PacketSize(),
                 TimeText(wall_s));
  AppendEscaped(buffer_, method);
  buffer_.push_back(' ');
  AppendEscaped(buffer_, uri);
  fmt::format_to(line, " => generated {} bytes in {} {}{}(", response.body_bytes(),
                 spec_.micros ? figures.micros : figures.micros / 1000,
                 spec_.micros ? "micros" : "msecs",
                 response.via() == Response::Via::kSendfile ? " via sendfile() " : " ");
  AppendEscaped(buffer_, protocol);
  fmt::format_to(line, " {}) {} headers in {} bytes ({} switches on core {})\n", response.status(),
                 response.header_count(), response.header_bytes(), response.switches(),
                 request.core);
  if (buffer_.size() - start > kLongestLine) {
    buffer_.resize(start + kLongestLine - 1);
    buffer_.push_back('\n');
  }
}

void AccessLog::AddFormatted(const Request& request, const Response& response,
                             const RequestFigures& figures) {
  for (const Piece& piece : pieces_) {
    if (piece.variable.empty()) {
      buffer_.append(piece.literal);
    } else {
      AppendVariable(piece.variable, request, response, figures);
    }
  }
  buffer_.push_back('\n');
}

namespace {

// Everything a variable of log-format may look at.
struct LogMoment {
  const Request& request;
  const Response& response;
  const RequestFigures& figures;
  const AccessLogSpec& spec;
  int worker_id;
  int pid;
  ByteView address;

  [[nodiscard]] int64_t started_us() const { return WallMicros() - figures.micros; }
  [[nodiscard]] std::string Var(CgiName id) const { return std::string(request.vars.Get(id)); }
};

struct LogVariable {
  std::string_view name;
  std::string (*value)(const LogMoment&);
};

constexpr LogVariable kLogVariables[] = {
    {"uri", [](const LogMoment& m) { return m.Var(CgiName::kRequestUri); }},
    {"method", [](const LogMoment& m) { return m.Var(CgiName::kRequestMethod); }},
    {"user", [](const LogMoment& m) { return m.Var(CgiName::kRemoteUser); }},
    {"addr", [](const LogMoment& m) { return std::string(m.address); }},
    {"host", [](const LogMoment& m) { return m.Var(CgiName::kHttpHost); }},
    {"proto", [](const LogMoment& m) { return m.Var(CgiName::kServerProtocol); }},
    {"uagent", [](const LogMoment& m) { return m.Var(CgiName::kHttpUserAgent); }},
    {"referer", [](const LogMoment& m) { return m.Var(CgiName::kHttpReferer); }},
    {"status", [](const LogMoment& m) { return fmt::format("{}", m.response.status()); }},
    {"rsize", [](const LogMoment& m) { return fmt::format("{}", m.response.body_bytes()); }},
    {"hsize", [](const LogMoment& m) { return fmt::format("{}", m.response.header_bytes()); }},
    {"size",
     [](const LogMoment& m) {
       return fmt::format("{}", m.response.header_bytes() + m.response.body_bytes());
     }},
    {"cl",
     [](const LogMoment& m) { return fmt::format("{}", m.request.body.length().value_or(0)); }},
    {"headers", [](const LogMoment& m) { return fmt::format("{}", m.response.header_count()); }},
    {"micros", [](const LogMoment& m) { return fmt::format("{}", m.figures.micros); }},
    {"msecs", [](const LogMoment& m) { return fmt::format("{}", m.figures.micros / 1000); }},
    {"secs",
     [](const LogMoment& m) {
       return fmt::format("{:.6f}", static_cast<double>(m.figures.micros) / 1e6);
     }},
    {"tmsecs", [](const LogMoment& m) { return fmt::format("{}", m.started_us() / 1000); }},
    {"tmicros", [](const LogMoment& m) { return fmt::format("{}", m.started_us()); }},
    {"time", [](const LogMoment& m) { return fmt::format("{}", m.started_us() / 1'000'000); }},
    {"epoch", [](const LogMoment&) { return fmt::format("{}", WallMicros() / 1'000'000); }},
    {"ctime",
     [](const LogMoment& m) {
       return LocalTime(m.started_us() / 1'000'000, "%a %b %e %H:%M:%S %Y");
     }},
    {"ltime",
     [](const LogMoment& m) {
       return LocalTime(m.started_us() / 1'000'000, "%d/%b/%Y:%H:%M:%S %z");
     }},
    {"ftime",
     [](const LogMoment& m) {
       const bool own = m.spec.format_strftime && !m.spec.date_format.empty();
       return LocalTime(m.started_us() / 1'000'000,
                        own ? m.spec.date_format.c_str() : "%d/%b/%Y:%H:%M:%S %z");
     }},
    {"pid", [](const LogMoment& m) { return fmt::format("{}", m.pid); }},
    {"wid", [](const LogMoment& m) { return fmt::format("{}", m.worker_id); }},
    {"core", [](const LogMoment& m) { return fmt::format("{}", m.request.core); }},
    {"switches", [](const LogMoment& m) { return fmt::format("{}", m.response.switches()); }},
    {"vars", [](const LogMoment& m) { return fmt::format("{}", m.request.VarCount()); }},
    {"pktsize", [](const LogMoment& m) { return fmt::format("{}", m.request.PacketSize()); }},
    {"modifier1", [](const LogMoment& m) { return fmt::format("{}", m.request.modifier1); }},
    {"modifier2", [](const LogMoment& m) { return fmt::format("{}", m.request.modifier2); }},
    {"vsz",
     [](const LogMoment& m) { return fmt::format("{}", m.spec.memory ? ReadMemory().vsz : 0); }},
    {"rss",
     [](const LogMoment& m) { return fmt::format("{}", m.spec.memory ? ReadMemory().rss : 0); }},
    {"vszM",
     [](const LogMoment& m) {
       return fmt::format("{}", m.spec.memory ? ReadMemory().vsz >> 20 : 0);
     }},
    {"rssM",
     [](const LogMoment& m) {
       return fmt::format("{}", m.spec.memory ? ReadMemory().rss >> 20 : 0);
     }},
    {"werr",
     [](const LogMoment& m) { return fmt::format("{}", m.response.client_gone() ? 1 : 0); }},
    {"rerr", [](const LogMoment&) { return std::string("0"); }},
    {"ioerr",
     [](const LogMoment& m) { return fmt::format("{}", m.response.client_gone() ? 1 : 0); }},
};

std::string ValueOf(const std::string& name, const LogMoment& moment) {
  for (const LogVariable& row : kLogVariables) {
    if (row.name == name) return row.value(moment);
  }
  if (name.starts_with("var.")) {
    const Var* var = moment.request.vars.FindByName(std::string_view(name).substr(4));
    return var != nullptr ? std::string(var->value) : std::string();
  }
  for (const auto& [key, value] : moment.request.log_vars) {
    if (key == name) return value.substr(0, kLongestLogVar);
  }
  return {};
}

}  // namespace

void AccessLog::AppendVariable(const std::string& name, const Request& request,
                               const Response& response, const RequestFigures& figures) {
  const std::string value = ValueOf(
      name, LogMoment{request, response, figures, spec_, worker_id_, pid_, Address(request)});
  if (value.empty()) {
    buffer_.push_back('-');
  } else {
    AppendEscaped(buffer_, value);
  }
}

}  // namespace uwsgi
