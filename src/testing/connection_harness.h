// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "net/poller.h"
#include "request/connection.h"

namespace uwsgi {

// One connection with its client at the other end of a socket pair. It is driven as a worker's loop
// does it, by real edge-triggered events, so that a byte that nobody would ever be told of shows as
// a missing answer. Time stands still unless the test moves it.
class ConnectionHarness {
 public:
  using App = std::function<void(Request&, Response&)>;

  explicit ConnectionHarness(App app, RequestSpec request_spec = {},
                             ListenerProtocol kind = ListenerProtocol::kHttpSocket,
                             bool trusted = false)
      : spec(std::move(request_spec)), app_(std::move(app)), poller_(*Poller::Create()) {
    front_.kind = kind;
    front_.protocol = &ProtocolOf(kind);
    front_.spec = &spec;
    front_.expects_proxy_line = spec.proxy_protocol;
    auto pair = MakeSocketPair(SOCK_STREAM);
    if (!pair) std::abort();
    client_ = std::move(pair->first);
    connection_ = std::make_unique<Connection>(std::move(pair->second), front_, PeerAddress(),
                                               trusted, pool_);
    connection_->set_draining(&draining);
    connection_->Opened(now_ms);
    Proceed(connection_->OnEvent(Hint::kReady, now_ms));
  }

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] Front& front() { return front_; }
  [[nodiscard]] bool is_over() const { return over_; }
  [[nodiscard]] int client_fd() const { return client_.get(); }

  // Sends what the socket takes, handles what comes of it, and says what has been answered so far.
  std::string Talk(ByteView bytes) {
    Send(bytes);
    Pump();
    return Receive();
  }
  // Returns how many bytes the socket has taken.
  size_t Send(ByteView bytes) const {
    const ssize_t sent = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  void HalfClose() const { ::shutdown(client_.get(), SHUT_WR); }
  void HangUp() { client_.Reset(); }

  // Handles events until there are none.
  void Pump() {
    while (!over_ && HandleEvent()) {
    }
  }
  // Handles one event; false when there is none.
  bool HandleEvent() {
    Poller::Event event{};
    if (poller_.Wait({&event, 1}, 0) != 1) return false;
    if (!connection_->TryOwnOrNotify()) return true;
    const bool closed = (event.events & (kPollPeerClosed | kPollHangUp | kPollFailed)) != 0;
    Proceed(connection_->OnEvent(closed ? Hint::kPeerClosed : Hint::kReady, now_ms));
    return true;
  }
  // As if the connection had come from another process with these bytes.
  std::string Adopt(const std::string& bytes) {
    if (connection_->TryOwn()) Proceed(connection_->Adopt(bytes, 1, now_ms));
    return Receive();
  }
  // Time passes, and the deadline is looked at.
  void Wait(int64_t ms) {
    now_ms += ms;
    if (!over_ && connection_->TryOwn()) Proceed(connection_->OnDeadline(now_ms));
  }

  // What the client can read now.
  std::string Receive() {
    std::string all;
    char bytes[16384];
    for (;;) {
      const ssize_t got = ::recv(client_.get(), bytes, sizeof bytes, 0);
      if (got > 0) {
        all.append(bytes, static_cast<size_t>(got));
        continue;
      }
      saw_end |= got == 0;
      saw_reset |= got < 0 && errno == ECONNRESET;
      return all;
    }
  }
  // Reads and lets the connection go on, until nothing more comes.
  std::string ReceiveAll() {
    std::string all;
    for (;;) {
      Pump();
      const std::string piece = Receive();
      if (piece.empty()) return all;
      all += piece;
    }
  }

  // Looks at a connection whose request waits for a core; true: it is left like that.
  std::function<bool(Connection&)> on_ready;
  RequestSpec spec;
  std::atomic<bool> draining{false};
  int64_t now_ms = 1'000'000;
  bool saw_end = false;    // the client has read the end of the connection
  bool saw_reset = false;  // or that it was broken
  int requests = 0;

 private:
  void Proceed(Step step) {
    for (;;) {
      switch (step) {
        case Step::kRun: {
          ++requests;
          if (on_ready && on_ready(*connection_)) return;
          Request& request = connection_->BeginRequest(0, now_ms * 1000);
          app_(request, connection_->exchange().response);
          connection_->EndResponse();
          step = connection_->FinishRequest(now_ms);
          break;
        }
        case Step::kClose:
          over_ = true;
          connection_->Unregister(poller_);
          return connection_->Close();
        case Step::kWait:
          if (!connection_->Register(poller_)) return;
          if (connection_->Release()) return;
          step = connection_->OnEvent(Hint::kUnknown, now_ms);
          break;
      }
    }
  }

  App app_;
  Poller poller_;
  Front front_;
  ExchangePool pool_;
  UniqueFd client_;
  std::unique_ptr<Connection> connection_;
  bool over_ = false;
};

}  // namespace uwsgi
