// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/function.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"
#include "process/stats_request.h"

namespace uwsgi {

// What is sent to a client: a head of its own, and a body that others may be sending too.
struct StatsAnswer {
  std::string head;
  std::shared_ptr<const std::string> body;
};

// How long clients may take, in microseconds.
struct StatsPatience {
  int64_t silence = 0;  // who has said nothing by then wants the document as it is
  int64_t ask = 0;      // for a whole request
  int64_t take = 0;     // between two pieces that it takes
  int64_t in_all = 0;
};

// One connection of the statistics socket: waits for a question, sends an answer, ends. Nothing it
// does waits; a client that is too slow in anything is dropped. Lives on the master's loop.
class StatsClient {
 public:
  struct Callbacks {
    // The answer; a raw one has no head.
    UniqueFunction<StatsAnswer(const StatsRequest& request)> answer;
    // It is over: the client may be destroyed once the running callback has returned.
    UniqueFunction<void()> done;
  };
  StatsClient(EventLoop& loop, UniqueFd socket, const StatsPatience& patience, Callbacks callbacks);
  StatsClient(const StatsClient&) = delete;
  StatsClient& operator=(const StatsClient&) = delete;
  ~StatsClient();

  // False when the system has no room for it.
  bool Begin();
  // Answers now what can be answered, as if it had been waited for. `keep_silent`: not those who
  // have said nothing yet.
  void Hurry(bool keep_silent);
  // The socket of who is still to say something; -1 when it is being answered.
  [[nodiscard]] int unanswered_fd() const { return answers_ || is_over_ ? -1 : socket_.get(); }
  // In a child after a fork: gives back the socket and nothing else, as the loop is the parent's.
  // The object is not destroyed there.
  void LeaveInChild() { socket_.Reset(); }

 private:
  void OnEvent(uint32_t events);
  void Read();
  void Consider(bool is_last_word);
  void Answer(const StatsRequest& request);
  void Send();
  void OnTime();
  void WaitAtMost(int64_t micros);
  void End();

  EventLoop& loop_;
  UniqueFd socket_;
  StatsPatience patience_;
  Callbacks callbacks_;
  WatchId watch_ = 0;
  TimerId timer_ = 0;
  int64_t last_moment_us_ = 0;  // monotonic: it is dropped then, whatever it does
  std::string input_;
  StatsAnswer answer_;
  size_t sent_ = 0;
  bool answers_ = false;
  bool peer_closed_ = false;
  bool is_over_ = false;
};

}  // namespace uwsgi
