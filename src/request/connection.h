// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "net/poller.h"
#include "net/timer_wheel.h"
#include "request/close_reason.h"
#include "request/exchange.h"
#include "request/front.h"

namespace uwsgi {

// What a connection wants to happen next.
enum class Step : uint8_t {
  kWait,   // for its socket or its deadline
  kRun,    // a request is complete: run it, then call FinishRequest
  kClose,  // it is over
};

// Where a connection is. The names appear in logs.
enum class Phase : uint8_t {
  kIdle,       // between requests, or before the first
  kHead,       // part of a head has come
  kBody,       // a body is being collected
  kReady,      // a request waits for a core
  kRunning,    // a core runs it
  kFlushing,   // the response waits for the client
  kDraining,   // the rest of a body nobody read is thrown away
  kLingering,  // everything is said; what the client still sends is thrown away, so that it can
               // read our answer
};

// What is known of a socket's event.
enum class Hint : uint8_t {
  kReady,       // it has become readable or writable
  kPeerClosed,  // and the peer has sent its end
  kUnknown,     // something has happened: look at everything
};

// One client connection: read, respond, keep alive. It knows nothing of threads but this: at each
// moment one thread owns it (see TryOwn and Release), and only that one may call anything else. The
// pointer to it must stay valid until the loop has forgotten its events.
class Connection {
 public:
  Connection(UniqueFd socket, const Front& front, const PeerAddress& peer, bool trusted,
             ExchangePool& pool);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] const Front& front() const { return *front_; }
  [[nodiscard]] const RequestSpec& spec() const { return *front_->spec; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] const PeerAddress& peer() const { return peer_; }
  void set_peer(const PeerAddress& peer) { peer_ = peer; }
  [[nodiscard]] ByteView peer_text() const { return peer_.text(); }
  // The peer is one whose word on forwarded addresses and schemes is taken.
  [[nodiscard]] bool peer_is_trusted() const { return peer_is_trusted_; }
  [[nodiscard]] bool awaits_proxy_line() const { return awaits_proxy_line_; }
  void ProxyLineRead() { awaits_proxy_line_ = false; }
  [[nodiscard]] Exchange& exchange() { return *exchange_; }
  [[nodiscard]] bool has_exchange() const { return exchange_ != nullptr; }
  // Monotonic milliseconds.
  [[nodiscard]] int64_t deadline_ms() const { return deadline_ms_; }

  // --- ownership: the loop and the cores ---
  // For the loop, about a deadline: true when it may handle the connection, false when a core owns
  // it.
  bool TryOwn();
  // For the loop, about an event: false means that the core which owns the connection will look
  // again by itself.
  bool TryOwnOrNotify();
  // The owner is done: true when the connection is the loop's again; else something has happened
  // meanwhile, the caller still owns it and must call OnEvent.
  bool Release();

  // --- events, called by the owner ---
  Step OnEvent(Hint hint, int64_t now_ms);
  // The deadline may have passed. What has come or gone meanwhile counts first, however late this
  // is.
  Step OnDeadline(int64_t now_ms);
  // It has just been accepted.
  void Opened(int64_t now_ms);
  // The bytes of a request that waits for a core and of what follows it, when another process can
  // carry it out just as well: nothing of it has been answered, and all of it is here.
  [[nodiscard]] std::string MovableBytes() const;
  // It has come from another process with these bytes, after so many moves of this request.
  Step Adopt(ByteView bytes, int moves, int64_t now_ms);
  [[nodiscard]] int moves() const { return moves_; }
  // After Step::kWait: has the poller tell of what the connection waits for. False when the system
  // has no room for one more.
  [[nodiscard]] bool Register(Poller& poller);
  // Before Close(): an application may have forked, and then closing alone does not end the events.
  void Unregister(Poller& poller);
  // It is over: the socket is closed and the memory given back. The object itself must live until
  // the loop has forgotten it.
  void Close();

  // The request is about to run on a core.
  Request& BeginRequest(int core, int64_t now_us);
  // The application has returned; ends the response.
  void EndResponse();
  // After the log line: what next?
  Step FinishRequest(int64_t now_ms);

  // --- for protocols ---
  // Queues a complete refusal (for HEAD without its body), after which the connection closes.
  void Refuse(std::string answer, std::string_view reason);
  // The answer is complete and goes out as it is; then the connection closes.
  void AnswerRaw(ByteView answer);

  // --- for the response and the body, on the core that runs the request ---
  // Whether the connection may carry another request after a response that allows it; remembers the
  // answer.
  bool DecidePersistence(bool response_allows);
  // Waits until the socket takes bytes, at most the socket timeout.
  [[nodiscard]] bool WaitWritable() const;
  Result<size_t> ReadBody(char* into, size_t size);
  // It is to be closed, with its client waiting for an answer.
  Step GiveUp(CloseReason reason);
  // Why it is closed with its client waiting for an answer; kNone when that does not wait.
  [[nodiscard]] CloseReason close_reason() const { return close_reason_; }
  void set_draining(const std::atomic<bool>* draining) { draining_ = draining; }
  [[nodiscard]] bool draining() const {
    return draining_ != nullptr && draining_->load(std::memory_order_relaxed);
  }

  // The loop's own notes.
  struct Timer : TimerNode {
    explicit Timer(Connection* owner) : connection(owner) {}
    Connection* connection;
  } timer;
  Connection* previous = nullptr;  // in the loop's list
  Connection* next = nullptr;

 private:
  enum class Registration : uint8_t { kNone, kReading, kReadingAndWriting };
  enum class Received : uint8_t { kBytes, kNothing, kEnd, kBroken };
  Received Receive();
  Step ReadAndParse(int64_t now_ms);
  [[nodiscard]] CloseReason WhyLeft() const;
  [[nodiscard]] bool WantsMore() const;
  [[nodiscard]] bool IsQuiet() const;
  [[nodiscard]] bool IsStillTaking();
  [[nodiscard]] bool IsTimeOver(int64_t now_ms) const;
  Step Parse(int64_t now_ms);
  Step StartBody(int64_t now_ms);
  Step CollectBody(int64_t now_ms);
  Status StoreBody(ByteView piece);
  Step Deliver();
  Step DeliverStream();
  Step RefuseStatus(int status, std::string_view reason, int64_t now_ms);
  Step FlushOutput(int64_t now_ms);
  Step AfterOutput(int64_t now_ms);
  Step NextRequest(int64_t now_ms);
  Step DrainBody(int64_t now_ms);
  Step Linger(int64_t now_ms);
  Step DiscardInput();
  Result<size_t> ReceiveBody(char* into, size_t size);
  size_t TakeBuffered(char* into, size_t size);
  bool SendContinue();
  [[nodiscard]] bool WaitFor(short events) const;
  [[nodiscard]] bool WaitReadable() const;
  [[nodiscard]] Error BodyError(std::string_view what);

  UniqueFd socket_;
  const Front* front_;
  ExchangePool* pool_;
  std::unique_ptr<Exchange> exchange_;
  const std::atomic<bool>* draining_ = nullptr;
  PeerAddress peer_;
  int64_t deadline_ms_ = 0;
  uint64_t drained_ = 0;
  // Bytes of the last answer that were with the kernel at the last look of a drain.
  int untaken_ = 0;
  std::atomic<uint8_t> owner_{0};
  Registration registration_ = Registration::kNone;
  Phase phase_ = Phase::kIdle;
  uint8_t moves_ = 0;  // of the current request, between processes
  CloseReason close_reason_ = CloseReason::kNone;
  bool peer_is_trusted_ = false;
  bool awaits_proxy_line_ = false;
  bool maybe_readable_ = false;    // the socket was not read until it was empty
  bool read_until_empty_ = false;  // a short read does not tell that it is
  bool peer_closed_ = false;       // the peer has sent its end
  // No further request on this connection; a thread of the application that reads may find so.
  std::atomic<bool> close_after_ = false;
  bool take_turns_ = false;  // there is more to do at once, but others come first
  bool linger_ = false;      // bytes may still come that nobody will read
  bool is_cut_ = false;      // an answer without its end, which only a reset tells from a whole one
};

// A short reason for the log, one line per refused connection.
void LogRefusal(const Connection& connection, std::string_view reason);

}  // namespace uwsgi
