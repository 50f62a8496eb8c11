// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/function.h"
#include "net/poller.h"

namespace uwsgi {

using WatchId = uint64_t;  // never 0, never used twice
using TimerId = uint64_t;  // never 0, never used twice

// Calls back when descriptors are ready and when time has passed: the loop of the master and of
// other processes that do little (workers drive a Poller themselves). One thread only. A callback
// may watch, unwatch and cancel anything, itself included: what is unwatched is never called again,
// not even for an event that was already fetched, and a callback is destroyed only after it has
// returned. After a fork the child may only destroy the loop; the parent's descriptors stay
// watched. Timers come last: what has happened before one of them runs, however late, is called
// first.
class EventLoop {
 public:
  // `clock` must outlive the loop.
  static Result<std::unique_ptr<EventLoop>> Create(const Clock& clock);
  static Result<std::unique_ptr<EventLoop>> Create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Calls `ready` with what happened to `fd`, as often as it happens. Unwatch before closing the
  // descriptor.
  Result<WatchId> Watch(int fd, uint32_t events, UniqueFunction<void(uint32_t)> ready);
  Status Rewatch(WatchId id, uint32_t events);
  // Harmless when there is no such watch, so that 0 may stand for none.
  void Unwatch(WatchId id);

  // Calls `later` once the running callback has returned, or at the next turn when none runs.
  void Defer(UniqueFunction<void()> later);

  TimerId After(int64_t micros, UniqueFunction<void()> due);
  // Again and again; turns that were missed are left out.
  TimerId Every(int64_t micros, UniqueFunction<void()> due);
  // Harmless when there is no such timer (any more).
  void Cancel(TimerId id);

  // Until Stop(), which takes effect after the running callback; a Stop() before makes Run() return
  // at once.
  void Run();
  void Stop() { stopping_ = true; }
  // In a child after a fork: from now on it can only be taken apart, and the parent's loop goes on
  // as it was.
  void LeaveInChild() { poller_.LeaveInChild(); }
  // Readable when RunOnce(0) has something to do, timers apart: for a loop within another.
  [[nodiscard]] int fd() const { return poller_.fd(); }
  // One wait of at most `timeout_ms` (-1: as long as it takes) and the callbacks for what it
  // brought.
  void RunOnce(int timeout_ms);

 private:
  struct Watched {
    int fd;
    UniqueFunction<void(uint32_t)> ready;
  };
  struct Timer {
    int64_t deadline;  // microseconds of the clock
    int64_t period;    // 0: once
    UniqueFunction<void()> due;
  };

  EventLoop(Poller poller, const Clock& clock) : poller_(std::move(poller)), clock_(clock) {}
  TimerId Start(int64_t micros, int64_t period, UniqueFunction<void()> due);
  void TakeEvents(int timeout_ms);
  void Dispatch(WatchId id, uint32_t events);
  void RunTimers();
  void RunTimer(TimerId id);
  void AfterCallback();
  [[nodiscard]] int WaitTime(int timeout_ms) const;

  Poller poller_;
  const Clock& clock_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::unordered_map<WatchId, std::unique_ptr<Watched>> watched_;
  std::unordered_map<TimerId, std::unique_ptr<Timer>> timers_;
  std::set<std::pair<int64_t, TimerId>> due_;  // by deadline
  std::vector<UniqueFunction<void()>> deferred_;
  // What was unwatched or cancelled while a callback may still be running from it.
  std::vector<std::unique_ptr<Watched>> gone_watches_;
  std::vector<std::unique_ptr<Timer>> gone_timers_;
};

}  // namespace uwsgi
