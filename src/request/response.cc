// SPDX-License-Identifier: Apache-2.0
#include "request/response.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/log.h"
#include "base/printable.h"
#include "base/strings.h"
#include "request/connection.h"
#include "request/push_gate.h"
#include "wire/http1_writer.h"

namespace uwsgi {
namespace {

constexpr size_t kCopyBelow = 4096;        // smaller chunks join the head in one buffer
constexpr size_t kHighWater = 256 * 1024;  // ahead of a slow client
constexpr size_t kLowWater = 64 * 1024;
constexpr size_t kStageBelow = 16384;

bool IsBodyless(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

void Response::Reset(Connection* connection) {
  connection_ = connection;
  push_gate_ = nullptr;
  staged_.clear();
  if (staged_.capacity() > 65536) staged_.shrink_to_fit();
  started_ = head_sent_ = client_gone_ = failed_ = abandoned_ = app_wants_close_ = length_given_ =
      false;
  framing_ = Framing::kUnknown;
  via_ = Via::kWrite;
  status_ = write_error_ = header_count_ = switches_ = 0;
  header_bytes_ = body_bytes_ = 0;
  length_.reset();
}

void Response::ForgetHead() {
  staged_.clear();
  header_count_ = 0;
  status_ = 0;
  length_.reset();
  length_given_ = false;
  app_wants_close_ = false;
}

Status Response::Start(ByteView status) {
  if (head_sent_) return uwsgi::Fail("headers already sent");
  const int code = TRY(ParseAppStatus(status));
  ForgetHead();
  status_ = code;
  started_ = true;
  staged_.append(connection_->exchange().rules.version).push_back(' ');
  staged_.append(status.substr(0, 3)).push_back(' ');
  const ByteView phrase = status.size() > 4 ? status.substr(4) : ReasonPhrase(code);
  staged_.append(phrase).append("\r\n");
  return {};
}

void Response::StartRaw() {
  ForgetHead();
  started_ = head_sent_ = true;
  framing_ = Framing::kUntilClose;
  connection_->DecidePersistence(false);
}

Status Response::AddHeader(ByteView name, ByteView value) {
  if (!started_ || head_sent_) return uwsgi::Fail("headers already sent");
  if (!IsValidFieldName(name)) return uwsgi::Fail("invalid http header name");
  if (!IsValidFieldValue(value))
    return uwsgi::Fail("invalid http header value: control characters are not allowed");
  if (staged_.size() + name.size() + value.size() + 4 >
      connection_->spec().response_headers_limit) {
    return uwsgi::Fail("the response headers exceed response-headers-limit");
  }
  if (name.size() == 14 && EqualsIgnoringCase(name, "Content-Length")) {
    const auto length = ParseInt(Trim(value));
    if (!length) return uwsgi::Fail("invalid Content-Length header");
    if (length_given_) {
      if (length_ != static_cast<uint64_t>(*length))
        return uwsgi::Fail("two different Content-Length headers");
      return {};
    }
    length_ = static_cast<uint64_t>(*length);
    length_given_ = true;
    if (status_ < 200 || status_ == 204) return {};  // RFC 9110 section 8.6
  } else if (name.size() == 17 && EqualsIgnoringCase(name, "Transfer-Encoding")) {
    return {};  // framing is ours
  } else if (name.size() == 10 && connection_->exchange().rules.is_http &&
             (EqualsIgnoringCase(name, "Connection") || EqualsIgnoringCase(name, "Keep-Alive"))) {
    if (EqualsIgnoringCase(Trim(value), "close")) app_wants_close_ = true;
    return {};
  }
  ++header_count_;
  staged_.append(name).append(": ").append(value).append("\r\n");
  return {};
}

void Response::SetBodyLength(uint64_t length) {
  if (!head_sent_ && !length_given_) length_ = length;
}

bool Response::HasNoBody() const {
  return connection_->exchange().request.is_head || IsBodyless(status_);
}

void Response::FinishHead(bool body_follows) {
  const ResponseRules& rules = connection_->exchange().rules;
  const bool no_body = HasNoBody();
  if (!no_body && !body_follows && !length_) length_ = 0;
  if (no_body) {
    framing_ = Framing::kNoBody;
  } else if (length_) {
    framing_ = Framing::kLength;
  } else if (rules.may_chunk) {
    framing_ = Framing::kChunked;
  } else {
    framing_ = Framing::kUntilClose;
  }
  if (rules.is_http) {
    if (length_ && !length_given_ && !IsBodyless(status_)) AppendContentLength(staged_, *length_);
    if (framing_ == Framing::kChunked) staged_.append("Transfer-Encoding: chunked\r\n");
    // After an interim status nobody can tell where the next response begins.
    const bool allows = !app_wants_close_ && framing_ != Framing::kUntilClose && status_ >= 200;
    if (!connection_->DecidePersistence(allows)) {
      staged_.append("Connection: close\r\n");
    } else if (rules.say_keep_alive) {
      staged_.append("Connection: keep-alive\r\n");
    }
  } else {
    connection_->DecidePersistence(false);
  }
  for (const std::string& line : connection_->spec().add_headers)
    staged_.append(line).append("\r\n");
  staged_.append("\r\n");
  header_bytes_ = staged_.size();
  head_sent_ = true;
}

SendOutcome Response::Broken(int error) {
  client_gone_ = true;
  write_error_ = error;
  staged_.clear();
  connection_->exchange().output.Clear();
  connection_->DecidePersistence(false);
  return SendOutcome::kClientGone;
}

SendOutcome Response::Emit(ByteView payload, ChunkOwner owner, bool is_last) {
  const int fd = connection_->fd();
  const bool rests = is_last && push_gate_ != nullptr && push_gate_->is_open_for(fd);
  const int flags = rests ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
  Output& output = connection_->exchange().output;
  const bool chunked = framing_ == Framing::kChunked && !payload.empty();
  if (chunked) {
    char size_line[20];
    staged_.append(size_line, FormatChunkHeader(size_line, payload.size()));
  }
  if (payload.size() < kCopyBelow) {
    staged_.append(payload);
    payload = {};
    if (chunked) staged_.append("\r\n");
  }
  const ByteView tail = chunked && !payload.empty() ? ByteView("\r\n") : ByteView();
  // What has had to wait may go by now: while the application runs nobody else sends it.
  if (int error = 0; !output.empty() && output.Flush(fd, error) == FlushResult::kError)
    return Broken(error);
  size_t sent = 0;
  if (output.empty()) {
    std::array<iovec, 3> pieces = {iovec{staged_.data(), staged_.size()},
                                   iovec{const_cast<char*>(payload.data()), payload.size()},
                                   iovec{const_cast<char*>(tail.data()), tail.size()}};
    ssize_t result = 0;
    do {
      if (payload.empty()) {
        result = ::send(fd, staged_.data(), staged_.size(), flags);
      } else {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        result = ::sendmsg(fd, &message, flags);
      }
    } while (result < 0 && errno == EINTR);
    if (result < 0 && errno != EAGAIN) return Broken(errno);
    if (rests) push_gate_->Hold(fd);
    sent = result < 0 ? 0 : static_cast<size_t>(result);
  }
  if (sent < staged_.size() + payload.size() + tail.size()) {
    const size_t from_staged = std::min(sent, staged_.size());
    output.AppendCopy(ByteView(staged_).substr(from_staged));
    const size_t from_payload = std::min(sent - from_staged, payload.size());
    output.Append(payload.substr(from_payload), owner);
    output.AppendCopy(tail.substr(sent - from_staged - from_payload));
  }
  staged_.clear();
  return SendOutcome::kOk;
}

SendOutcome Response::Write(ByteView chunk, ChunkOwner owner, Flush flush) {
  if (client_gone_ || failed_ || abandoned_)
    return client_gone_ ? SendOutcome::kClientGone : SendOutcome::kOk;
  if (chunk.empty() || !started_) return SendOutcome::kOk;
  if (!head_sent_) FinishHead(true);
  ++switches_;
  if (framing_ == Framing::kNoBody) return SendOutcome::kOk;
  if (framing_ == Framing::kLength) {
    chunk = chunk.substr(0, *length_ - body_bytes_);
    if (chunk.empty()) return SendOutcome::kOk;
  }
  body_bytes_ += chunk.size();
  if (flush == Flush::kLater && framing_ != Framing::kChunked &&
      staged_.size() + chunk.size() < kStageBelow) {
    staged_.append(chunk);
    return SendOutcome::kOk;
  }
  return Emit(chunk, owner, framing_ == Framing::kLength && body_bytes_ == *length_);
}

bool Response::needs_room() const {
  return connection_->exchange().output.pending_bytes() > kHighWater;
}

SendOutcome Response::WaitForRoom() {
  Output& output = connection_->exchange().output;
  while (!client_gone_ && output.pending_bytes() > kLowWater) {
    if (!connection_->WaitWritable()) return Broken(0);
    int error = 0;
    if (output.Flush(connection_->fd(), error) == FlushResult::kError) return Broken(error);
  }
  return client_gone_ ? SendOutcome::kClientGone : SendOutcome::kOk;
}

SendOutcome Response::SendFile(UniqueFd file, uint64_t offset, std::optional<uint64_t> size) {
  if (client_gone_ || failed_ || !started_)
    return client_gone_ ? SendOutcome::kClientGone : SendOutcome::kOk;
  struct stat facts {};
  uint64_t available = 0;
  if (::fstat(file.get(), &facts) == 0 && static_cast<uint64_t>(facts.st_size) > offset) {
    available = static_cast<uint64_t>(facts.st_size) - offset;
  }
  uint64_t to_send = std::min(size.value_or(available), available);
  SetBodyLength(to_send);
  if (!head_sent_) FinishHead(true);
  ++switches_;
  if (framing_ == Framing::kNoBody) return SendOutcome::kOk;
  if (framing_ == Framing::kLength) to_send = std::min(to_send, *length_ - body_bytes_);
  via_ = Via::kSendfile;
  if (!connection_->spec().sendfile || framing_ == Framing::kChunked) {
    std::vector<char> piece(65536);
    while (to_send > 0) {
      const ssize_t got =
          ::pread(file.get(), piece.data(), std::min<uint64_t>(piece.size(), to_send),
                  static_cast<off_t>(offset));
      if (got <= 0) {  // it must not look complete
        Log("the file that answers {} cannot be read to its end: {}",
            Printable(connection_->exchange().request.vars.Get(CgiName::kRequestUri)),
            got < 0 ? std::strerror(errno) : "it has become shorter");
        Fail(500);
        break;
      }
      if (Write({piece.data(), static_cast<size_t>(got)}, {}) == SendOutcome::kClientGone)
        return SendOutcome::kClientGone;
      if (needs_room() && WaitForRoom() == SendOutcome::kClientGone)
        return SendOutcome::kClientGone;
      offset += static_cast<uint64_t>(got);
      to_send -= static_cast<uint64_t>(got);
    }
    return SendOutcome::kOk;
  }
  body_bytes_ += to_send;
  Output& output = connection_->exchange().output;
  output.AppendCopy(staged_);
  staged_.clear();
  output.AppendFile(std::move(file), offset, to_send);
  int error = 0;
  if (output.Flush(connection_->fd(), error) == FlushResult::kError) return Broken(error);
  return SendOutcome::kOk;
}

void Response::Plain(int status, ByteView text) {
  if (head_sent_) return;
  ForgetHead();
  const std::string line = fmt::format("{} {}", status, ReasonPhrase(status));
  static_cast<void>(Start(line));
  app_wants_close_ = true;
  static_cast<void>(AddHeader("Content-Type", "text/plain"));
  SetBodyLength(text.size());
  static_cast<void>(Write(text, {}));
}

bool Response::Fail(int status) {
  if (head_sent_) {
    failed_ = true;
    connection_->DecidePersistence(false);
    return false;
  }
  Plain(status, ReasonPhrase(status));
  return true;
}

void Response::Abandon() {
  abandoned_ = true;
  connection_->DecidePersistence(false);
}

void Response::Finish() {
  if (client_gone_ || abandoned_) return;
  if (!started_) {
    Fail(500);
  } else if (!head_sent_) {
    FinishHead(false);
  }
  if (!failed_ && framing_ == Framing::kChunked) staged_.append(kLastChunk);
  if (!staged_.empty()) Emit({}, {}, true);
  if (framing_ == Framing::kLength && body_bytes_ < *length_ && !client_gone_) {
    if (!failed_) {
      Log("the response to {} has {} bytes of the {} that its Content-Length promised: closing the "
          "connection",
          connection_->exchange().request.vars.Get(CgiName::kRequestUri), body_bytes_, *length_);
    }
    connection_->DecidePersistence(false);
  }
}

}  // namespace uwsgi
