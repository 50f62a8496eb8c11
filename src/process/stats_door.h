// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/function.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "process/stats_client.h"

namespace uwsgi {

// Lets in those who want statistics, answers them and sees them off. However many there are and
// whatever they do, it takes little time: their number is bounded, and they have deadlines.
class StatsDoor {
 public:
  using Answer = UniqueFunction<StatsAnswer(const StatsRequest& request)>;

  // Loop and listener must outlive it.
  StatsDoor(EventLoop& loop, const Listener& listener, const StatsPatience& patience, Answer answer)
      : loop_(loop), listener_(listener), patience_(patience), answer_(std::move(answer)) {}
  StatsDoor(const StatsDoor&) = delete;
  StatsDoor& operator=(const StatsDoor&) = delete;
  ~StatsDoor();

  // From now on clients are let in.
  void Open();
  // One who has come in elsewhere.
  void Admit(UniqueFd socket);
  // Lets in who waits outside and answers everybody now, as StatsClient::Hurry does.
  void Hurry(bool keep_silent);
  // The sockets of those who are still to say something.
  [[nodiscard]] std::vector<int> unanswered() const;
  // In a child after a fork, which then forgets the door without taking it apart: the loop is the
  // parent's.
  void LeaveInChild();

 private:
  void Shut();
  void Accept();
  void Leave(uint64_t id);

  EventLoop& loop_;
  const Listener& listener_;
  StatsPatience patience_;
  Answer answer_;
  WatchId watch_ = 0;
  TimerId pause_ = 0;
  std::map<uint64_t, std::unique_ptr<StatsClient>> clients_;
  uint64_t last_client_ = 0;
};

}  // namespace uwsgi
