// SPDX-License-Identifier: Apache-2.0
#include "request/connection.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/wait.h"
#include "wire/http1_writer.h"

namespace uwsgi {
namespace {

constexpr uint8_t kLoopOwns = 0;
constexpr uint8_t kOwned = 1;
constexpr uint8_t kOwnedAndNotified = 2;

constexpr uint64_t kMostDrained = 256 * 1024;  // of a body that nobody read
constexpr uint64_t kMostLingered = 1024 * 1024;
constexpr int64_t kLingerMs = 2000;
constexpr int64_t kIdleInDrainMs = 1000;  // of a client that could not be told of the drain
constexpr int kReadsInARow = 8;           // of a body that comes as fast as it is read

}  // namespace

void LogRefusal(const Connection& connection, std::string_view reason) {
  Log("[{}] refused a request of {}: {}", connection.front().protocol->name(),
      connection.peer_text().empty() ? "a UNIX peer" : connection.peer_text(), reason);
}

Connection::Connection(UniqueFd socket, const Front& front, const PeerAddress& peer, bool trusted,
                       ExchangePool& pool)
    : timer(this),
      socket_(std::move(socket)),
      front_(&front),
      pool_(&pool),
      peer_(peer),
      peer_is_trusted_(trusted) {
  awaits_proxy_line_ = front.expects_proxy_line;
  owner_.store(kOwned, std::memory_order_relaxed);
}

Connection::~Connection() { Close(); }

void Connection::Opened(int64_t now_ms) { deadline_ms_ = now_ms + spec().head_timeout_ms; }

void Connection::Close() {
  if (exchange_) pool_->Give(std::move(exchange_));
  socket_.Reset();
}

bool Connection::TryOwn() {
  uint8_t expected = kLoopOwns;
  return owner_.compare_exchange_strong(expected, kOwned, std::memory_order_acq_rel);
}

bool Connection::TryOwnOrNotify() {
  uint8_t current = owner_.load(std::memory_order_relaxed);
  for (;;) {
    const uint8_t wanted = current == kLoopOwns ? kOwned : kOwnedAndNotified;
    if (owner_.compare_exchange_weak(current, wanted, std::memory_order_acq_rel))
      return current == kLoopOwns;
  }
}

bool Connection::Release() {
  uint8_t expected = kOwned;
  if (owner_.compare_exchange_strong(expected, kLoopOwns, std::memory_order_acq_rel)) return true;
  owner_.store(kOwned, std::memory_order_relaxed);
  return false;
}

bool Connection::Register(Poller& poller) {
  const Registration wanted =
      phase_ == Phase::kFlushing ? Registration::kReadingAndWriting : Registration::kReading;
  if (registration_ == wanted && !take_turns_) return true;
  take_turns_ = false;  // the poller tells at once what is ready already
  const uint32_t events = kReadable | kPollPeerClosed | kEdge |
                          (wanted == Registration::kReadingAndWriting ? kWritable : 0U);
  const Status registered = registration_ == Registration::kNone
                                ? poller.Add(socket_.get(), events, this)
                                : poller.Modify(socket_.get(), events, this);
  if (registered) registration_ = wanted;
  return registered.has_value();
}

void Connection::Unregister(Poller& poller) {
  if (registration_ != Registration::kNone) poller.Remove(socket_.get());
  registration_ = Registration::kNone;
}

// --- moving ---

std::string Connection::MovableBytes() const {
  const Exchange& exchange = *exchange_;
  const bool is_whole =
      exchange.body_complete && !exchange.body_file.valid() && exchange.output.empty();
  const bool is_plain = !close_after_ && !peer_closed_ && !exchange.head.expects_continue;
  if (phase_ != Phase::kReady || !is_whole || !is_plain) return {};
  std::string bytes(exchange.input.pinned());
  const ByteView body = exchange.request.body.rest_in_memory();
  if (exchange.framing != BodyFraming::kChunked) {
    bytes.append(body);
  } else if (body.empty()) {
    bytes.append(kLastChunk);
  } else {
    bytes.append(fmt::format("{:x}\r\n{}\r\n{}", body.size(), body, kLastChunk));
  }
  return bytes.append(exchange.input.view());
}

Step Connection::Adopt(ByteView bytes, int moves, int64_t now_ms) {
  moves_ = static_cast<uint8_t>(moves);
  awaits_proxy_line_ = false;
  maybe_readable_ = read_until_empty_ = true;
  exchange_ = pool_->Take();
  exchange_->input.Fill(bytes);
  return Parse(now_ms);
}

// --- reading ---

Connection::Received Connection::Receive() {
  InputBuffer& input = exchange_->input;
  input.EnsureRoom();
  const size_t room = input.room();
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), input.tail(), room, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    input.Filled(static_cast<size_t>(got));
    // A short read has emptied the socket; the next bytes raise a new event.
    maybe_readable_ = static_cast<size_t>(got) == room || read_until_empty_;
    return Received::kBytes;
  }
  maybe_readable_ = read_until_empty_ = false;
  if (got == 0) {
    peer_closed_ = true;
    return Received::kEnd;
  }
  return errno == EAGAIN ? Received::kNothing : Received::kBroken;
}

Step Connection::OnEvent(Hint hint, int64_t now_ms) {
  if (hint != Hint::kReady) read_until_empty_ = true;
  if (hint == Hint::kPeerClosed) peer_closed_ = true;
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kHead:
    case Phase::kBody:
      return ReadAndParse(now_ms);
    case Phase::kFlushing:
      maybe_readable_ = read_until_empty_ = true;
      return FlushOutput(now_ms);
    case Phase::kDraining:
      return DrainBody(now_ms);
    case Phase::kLingering:
      return DiscardInput();
    case Phase::kReady:
    case Phase::kRunning:
      break;
  }
  maybe_readable_ = true;
  return Step::kWait;
}

Step Connection::ReadAndParse(int64_t now_ms) {
  if (!exchange_) exchange_ = pool_->Take();
  for (int reads = 0; reads < kReadsInARow; ++reads) {
    switch (Receive()) {
      case Received::kBytes:
        break;
      case Received::kNothing:
        if (phase_ == Phase::kIdle && exchange_->input.empty()) pool_->Give(std::move(exchange_));
        return Step::kWait;
      case Received::kEnd:
        // The application is told that the body broke off: it reads what came, then gets an error.
        if (phase_ == Phase::kBody && !spec().post_buffering) return DeliverStream();
        [[fallthrough]];
      case Received::kBroken:
        return GiveUp(WhyLeft());
    }
    const Step step = phase_ == Phase::kBody ? CollectBody(now_ms) : Parse(now_ms);
    if (step != Step::kWait || !WantsMore()) return step;
  }
  take_turns_ = true;
  return Step::kWait;
}

Step Connection::GiveUp(CloseReason reason) {
  close_reason_ = reason;
  return Step::kClose;
}

// What a client that has closed left undone.
CloseReason Connection::WhyLeft() const {
  if (phase_ == Phase::kBody) return CloseReason::kClientLeftInBody;
  return phase_ == Phase::kHead ? CloseReason::kClientLeftInHead : CloseReason::kNone;
}

// A head or a body is incomplete, and the socket may have more of it.
bool Connection::WantsMore() const {
  return maybe_readable_ && (phase_ == Phase::kHead || phase_ == Phase::kBody);
}

Step Connection::Parse(int64_t now_ms) {
  if (phase_ == Phase::kIdle) {
    phase_ = Phase::kHead;
    deadline_ms_ = now_ms + spec().head_timeout_ms;
  }
  switch (front_->protocol->ReadHead(*this, *exchange_)) {
    case HeadOutcome::kNeedMore:
      return Step::kWait;
    case HeadOutcome::kRequest:
      return StartBody(now_ms);
    case HeadOutcome::kRefused:
      return FlushOutput(now_ms);
    case HeadOutcome::kDrop:
      break;
  }
  return GiveUp(CloseReason::kBadRequest);
}

// --- answering ---

bool Connection::WaitFor(short events) const {
  return AwaitReady(socket_.get(), events, spec().socket_timeout_ms);
}

bool Connection::WaitWritable() const { return WaitFor(POLLOUT); }

bool Connection::DecidePersistence(bool response_allows) {
  const bool keep = response_allows && exchange_->rules.keep_alive && !close_after_ &&
                    !draining() && !exchange_->expects_continue;
  if (!keep) close_after_ = true;
  return keep;
}

Step Connection::RefuseStatus(int status, std::string_view reason, int64_t now_ms) {
  Refuse(ErrorResponse(status, true), reason);
  return FlushOutput(now_ms);
}

void Connection::Refuse(std::string answer, std::string_view reason) {
  LogRefusal(*this, reason);
  if (exchange_->request.is_head) answer.resize(answer.find("\r\n\r\n") + 4);
  AnswerRaw(answer);
}

void Connection::AnswerRaw(ByteView answer) {
  exchange_->output.AppendCopy(answer);
  close_after_ = true;
  linger_ = true;
}

Request& Connection::BeginRequest(int core, int64_t now_us) {
  phase_ = Phase::kRunning;
  Request& request = exchange_->request;
  request.core = core;
  request.started_us = now_us;
  request.front = front_;
  request.connection_fd = socket_.get();
  exchange_->response.Reset(this);
  return request;
}

void Connection::EndResponse() { exchange_->response.Finish(); }

Step Connection::FinishRequest(int64_t now_ms) {
  const Response& response = exchange_->response;
  if (response.client_gone_)
    return GiveUp(response.write_error() == 0 ? CloseReason::kWriteTimeout
                                              : CloseReason::kClientGone);
  if (response.abandoned_) return GiveUp(CloseReason::kAbandoned);
  is_cut_ = response.failed_ && response.ends_with_connection();
  return FlushOutput(now_ms);
}

Step Connection::FlushOutput(int64_t now_ms) {
  if (!exchange_->output.empty()) {
    const uint64_t before = exchange_->output.sent_bytes();
    int error = 0;
    const FlushResult result = exchange_->output.Flush(socket_.get(), error);
    if (result == FlushResult::kError) return GiveUp(CloseReason::kClientGone);
    if (result != FlushResult::kDone) {
      take_turns_ = result == FlushResult::kEnough;
      if (phase_ != Phase::kFlushing || exchange_->output.sent_bytes() != before)
        deadline_ms_ = now_ms + spec().write_timeout_ms;
      phase_ = Phase::kFlushing;
      return Step::kWait;
    }
  }
  return AfterOutput(now_ms);
}

Step Connection::AfterOutput(int64_t now_ms) {
  if (close_after_) {
    if (is_cut_) {
      const linger reset{1, 0};
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      return Step::kClose;
    }
    const bool unread =
        linger_ || maybe_readable_ || !exchange_->body_complete || !exchange_->input.empty();
    // To close while something lies unread would destroy the answer on its way.
    if (unread && (!peer_closed_ || maybe_readable_)) return Linger(now_ms);
    // Closing alone is no end for the client when the application has forked meanwhile.
    if (exchange_->response.ends_with_connection()) ::shutdown(socket_.get(), SHUT_WR);
    return Step::kClose;
  }
  if (!exchange_->body_complete) {
    phase_ = Phase::kDraining;
    drained_ = 0;
    deadline_ms_ = now_ms + spec().body_timeout_ms;
    return DrainBody(now_ms);
  }
  return NextRequest(now_ms);
}

Step Connection::NextRequest(int64_t now_ms) {
  exchange_->NextRequest();
  moves_ = 0;
  phase_ = Phase::kIdle;
  deadline_ms_ = now_ms + (draining() ? kIdleInDrainMs : spec().keepalive_timeout_ms);
  if (!exchange_->input.empty()) {
    const Step step = Parse(now_ms);
    return step == Step::kWait && WantsMore() ? ReadAndParse(now_ms) : step;
  }
  if (maybe_readable_) return ReadAndParse(now_ms);
  pool_->Give(std::move(exchange_));
  return Step::kWait;
}

Step Connection::DrainBody(int64_t now_ms) {
  Exchange& exchange = *exchange_;
  for (;;) {
    while (!exchange.input.empty()) {
      const BodyPiece piece = exchange.decoder.Next(exchange.input.view());
      exchange.input.Consume(piece.consumed);
      drained_ += piece.consumed;
      if (piece.error || drained_ > kMostDrained) return Linger(now_ms);
      if (piece.done) {
        exchange.body_complete = true;
        return NextRequest(now_ms);
      }
    }
    switch (Receive()) {
      case Received::kBytes:
        break;
      case Received::kNothing:
        return Step::kWait;
      case Received::kEnd:
      case Received::kBroken:
        return Step::kClose;
    }
  }
}

Step Connection::Linger(int64_t now_ms) {
  ::shutdown(socket_.get(), SHUT_WR);
  phase_ = Phase::kLingering;
  drained_ = 0;
  deadline_ms_ = now_ms + kLingerMs;
  pool_->Give(std::move(exchange_));
  return DiscardInput();
}

Step Connection::DiscardInput() {
  char ignored[4096];
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), ignored, sizeof ignored, 0);
    if (got > 0) {
      drained_ += static_cast<uint64_t>(got);
      if (drained_ > kMostLingered) return Step::kClose;
    } else if (got < 0 && errno == EAGAIN) {
      return Step::kWait;
    } else if (got == 0 || errno != EINTR) {
      return Step::kClose;
    }
  }
}

// --- deadlines ---

// The client has asked for nothing; an empty line in front of a request does not count.
bool Connection::IsQuiet() const {
  if (phase_ == Phase::kIdle) return true;
  return phase_ == Phase::kHead && front_->protocol->answers_timeouts() &&
         exchange_->input.view().find_first_not_of("\r\n") == ByteView::npos;
}

// While the worker drains: how much of the last answer the client has not taken yet, when that is
// not what it was at the last look. Who is still reading cannot have asked for more, and who has
// just read all may be about to.
bool Connection::IsStillTaking() {
  int untaken = 0;
  if (::ioctl(socket_.get(), SIOCOUTQ, &untaken) != 0) untaken = 0;
  return std::exchange(untaken_, untaken) != untaken;
}

bool Connection::IsTimeOver(int64_t now_ms) const {
  return now_ms >= deadline_ms_ || (draining() && IsQuiet());
}

Step Connection::OnDeadline(int64_t now_ms) {
  if (!IsTimeOver(now_ms)) return Step::kWait;
  // A server that was kept from looking in time does not put that down to the client.
  if (const Step step = OnEvent(Hint::kReady, now_ms); step != Step::kWait) return step;
  if (!IsTimeOver(now_ms)) return Step::kWait;
  if (IsQuiet()) {
    if (!draining() || !IsStillTaking()) return Step::kClose;
    deadline_ms_ = now_ms + kIdleInDrainMs;
    return Step::kWait;
  }
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      if (!front_->protocol->answers_timeouts()) {
        return GiveUp(phase_ == Phase::kHead ? CloseReason::kHeadTimeout
                                             : CloseReason::kBodyTimeout);
      }
      return RefuseStatus(
          408,
          phase_ == Phase::kHead ? "timeout waiting for the head" : "timeout waiting for the body",
          now_ms);
    case Phase::kFlushing:
      if (!spec().ignore_write_errors) {
        Log("uwsgi_response_write_body_do() TIMEOUT !!! the client {} does not take its response",
            peer_text());
      }
      return GiveUp(CloseReason::kWriteTimeout);
    case Phase::kIdle:
    case Phase::kDraining:
    case Phase::kLingering:
    case Phase::kReady:
    case Phase::kRunning:
      break;
  }
  return Step::kClose;
}

}  // namespace uwsgi
