// SPDX-License-Identifier: Apache-2.0
// The body of a request on its way to the application: collected before the request runs, or read
// while it runs.
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/log.h"
#include "request/connection.h"
#include "wire/http1_writer.h"

namespace uwsgi {
namespace {

Result<UniqueFd> MakeBodyFile() {
  const char* const configured = ::secure_getenv("TMPDIR");
  const std::string directory = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  std::string path = directory + "/uwsgi-body-XXXXXX";
  file.Reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.valid()) return ErrnoError("create a temporary file in " + directory, errno);
  ::unlink(path.c_str());
  return file;
}

}  // namespace

// --- before the request runs ---

Step Connection::StartBody(int64_t now_ms) {
  Exchange& exchange = *exchange_;
  InputBuffer& input = exchange.input;
  input.Pin();
  const bool has_length = exchange.framing == BodyFraming::kLength;
  if (exchange.framing == BodyFraming::kNone || (has_length && exchange.content_length == 0)) {
    exchange.request.body.SetMemory({});
    exchange.expects_continue = false;  // there is nothing to wait for
    return Deliver();
  }
  if (has_length && spec().body_limit != 0 && exchange.content_length > spec().body_limit) {
    return RefuseStatus(413, "Invalid (too big) CONTENT_LENGTH. skip.", now_ms);
  }
  exchange.body_complete = false;
  if (has_length && input.size() >= exchange.content_length &&
      exchange.content_length <= spec().body_in_memory) {
    exchange.request.body.SetMemory(input.view().substr(0, exchange.content_length));
    input.Consume(exchange.content_length);
    exchange.body_complete = true;
    exchange.expects_continue = false;  // it has not waited
    return Deliver();
  }
  exchange.decoder = BodyDecoder(exchange.framing, exchange.content_length);
  if (!spec().post_buffering) {
    const bool too_large = has_length && exchange.content_length > spec().body_in_memory;
    if (too_large || exchange.expects_continue) return DeliverStream();
  } else if (exchange.expects_continue && !SendContinue()) {
    return GiveUp(CloseReason::kClientLeftInBody);
  }
  phase_ = Phase::kBody;
  deadline_ms_ = now_ms + spec().body_timeout_ms;
  return input.empty() ? Step::kWait : CollectBody(now_ms);
}

Step Connection::CollectBody(int64_t now_ms) {
  Exchange& exchange = *exchange_;
  deadline_ms_ = now_ms + spec().body_timeout_ms;
  while (!exchange.input.empty()) {
    const BodyPiece piece = exchange.decoder.Next(exchange.input.view());
    exchange.input.Consume(piece.consumed);
    if (piece.error) return RefuseStatus(400, piece.reason, now_ms);
    if (!piece.data.empty()) {
      exchange.body_size += piece.data.size();
      if (spec().body_limit != 0 && exchange.body_size > spec().body_limit) {
        return RefuseStatus(413, "the request body exceeds limit-post", now_ms);
      }
      if (const Status stored = StoreBody(piece.data); !stored) {
        Log("cannot buffer a request body: {}", stored.error().text());
        return RefuseStatus(500, "no room for the request body", now_ms);
      }
    }
    if (piece.done) {
      exchange.body_complete = true;
      if (exchange.body_file.valid()) {
        exchange.request.body.SetFile(exchange.body_file.get(), exchange.body_size);
      } else {
        exchange.request.body.SetMemory(exchange.body);
      }
      return Deliver();
    }
    if (!spec().post_buffering && exchange.body_size > spec().body_in_memory)
      return DeliverStream();
  }
  return Step::kWait;
}

Status Connection::StoreBody(ByteView piece) {
  Exchange& exchange = *exchange_;
  if (!exchange.body_file.valid() &&
      (!spec().post_buffering || exchange.body_size <= spec().body_in_memory)) {
    exchange.body.append(piece);
    return {};
  }
  if (!exchange.body_file.valid()) {
    exchange.body_file = TRY(MakeBodyFile());
    TRY_STATUS(WriteAll(exchange.body_file.get(), exchange.body));
    exchange.body.clear();
  }
  return WriteAll(exchange.body_file.get(), piece);
}

Step Connection::Deliver() {
  phase_ = Phase::kReady;
  return Step::kRun;
}

Step Connection::DeliverStream() {
  const bool has_length = exchange_->framing == BodyFraming::kLength;
  exchange_->request.body.SetStream(
      this, has_length ? std::optional(exchange_->content_length) : std::nullopt);
  return Deliver();
}

// --- while it runs ---

bool Connection::WaitReadable() const { return WaitFor(POLLIN); }

bool Connection::SendContinue() {
  exchange_->expects_continue = false;
  const ssize_t sent =
      ::send(socket_.get(), kContinueResponse.data(), kContinueResponse.size(), MSG_NOSIGNAL);
  // A client whose socket is still full of answers gets none: it does not wait for ever, RFC 9110
  // section 10.1.1.
  return sent == static_cast<ssize_t>(kContinueResponse.size()) || (sent < 0 && errno == EAGAIN);
}

Error Connection::BodyError(std::string_view what) {
  close_after_ = true;  // where the next request would begin is unknown
  const Request& request = exchange_->request;
  const auto length = request.body.length();
  Log("[uwsgi-body-read] Error reading the request body of {}: Content-Length: {} consumed: {} "
      "message: {}",
      request.vars.Get(CgiName::kRequestUri), length ? fmt::format("{}", *length) : "chunked",
      request.body.consumed(), what);
  return Error{std::string(what)};
}

// Bytes of the framed body into the input, or, when they need no decoding, right to where they are
// wanted.
Result<size_t> Connection::ReceiveBody(char* into, size_t size) {
  for (;;) {
    const bool direct = exchange_->framing == BodyFraming::kLength;
    if (!direct) exchange_->input.EnsureRoom();
    char* const to = direct ? into : exchange_->input.tail();
    const size_t room =
        direct ? std::min<uint64_t>(size, exchange_->content_length - exchange_->body_size)
               : exchange_->input.room();
    const ssize_t got = ::recv(socket_.get(), to, room, 0);
    if (got > 0) {
      if (!direct) exchange_->input.Filled(static_cast<size_t>(got));
      maybe_readable_ = true;
      return static_cast<size_t>(got);
    }
    if (got == 0) {
      peer_closed_ = true;
      return tl::unexpected(BodyError("Client closed connection"));
    }
    if (errno == EAGAIN) {
      if (!WaitReadable()) return tl::unexpected(BodyError("Timeout reading"));
    } else if (errno != EINTR) {
      return tl::unexpected(BodyError("Client closed connection"));
    }
  }
}

// More of the body, as far as it is in memory: chunks may be of one byte each. What is wrong with
// it stays there, and the next reading tells of it.
size_t Connection::TakeBuffered(char* into, size_t size) {
  Exchange& exchange = *exchange_;
  if (spec().body_limit != 0)
    size = std::min<uint64_t>(size, spec().body_limit - exchange.body_size);
  size_t taken = 0;
  while (taken < size && !exchange.body_complete && !exchange.input.empty()) {
    const BodyPiece piece = exchange.decoder.Next(exchange.input.view().substr(0, size - taken));
    if (piece.error) break;
    std::copy_n(piece.data.data(), piece.data.size(), into + taken);
    exchange.input.Consume(piece.consumed);
    taken += piece.data.size();
    exchange.body_size += piece.data.size();
    exchange.body_complete = piece.done;
  }
  return taken;
}

Result<size_t> Connection::ReadBody(char* into, size_t size) {
  Exchange& exchange = *exchange_;
  if (exchange.body_taken < exchange.body.size()) {
    const size_t taken = std::min(size, exchange.body.size() - exchange.body_taken);
    std::copy_n(exchange.body.data() + exchange.body_taken, taken, into);
    exchange.body_taken += taken;
    return taken;
  }
  if (exchange.body_complete) return size_t{0};
  if (exchange.expects_continue && !exchange.response.head_sent() && !SendContinue()) {
    return tl::unexpected(BodyError("Client closed connection"));
  }
  for (;;) {
    const bool buffered = !exchange.input.empty();
    ByteView bytes = exchange.input.view().substr(0, size);
    if (!buffered) {
      const size_t got = TRY(ReceiveBody(into, size));
      bytes = exchange.framing == BodyFraming::kLength ? ByteView(into, got)
                                                       : exchange.input.view().substr(0, size);
    }
    const BodyPiece piece = exchange.decoder.Next(bytes);
    if (!exchange.input.empty()) exchange.input.Consume(piece.consumed);
    if (piece.error) {
      close_after_ = true;
      return tl::unexpected(BodyError(piece.reason));
    }
    exchange.body_size += piece.data.size();
    exchange.body_complete = piece.done;
    if (spec().body_limit != 0 && exchange.body_size > spec().body_limit) {
      close_after_ = true;
      return tl::unexpected(BodyError("the request body exceeds limit-post"));
    }
    if (!piece.data.empty()) {
      if (piece.data.data() != into) std::copy_n(piece.data.data(), piece.data.size(), into);
      const size_t got = piece.data.size();
      return got + TakeBuffered(into + got, size - got);
    }
    if (piece.done) return size_t{0};
  }
}

}  // namespace uwsgi
