// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <algorithm>
#include <array>
#include <climits>

namespace uwsgi {

namespace {

const SystemClock system_clock;

// Tags are ids, not addresses: an event fetched before its watch was removed finds nothing.
void* TagOf(WatchId id) {
  return reinterpret_cast<void*>(id);  // NOLINT(performance-no-int-to-ptr): nobody follows it
}
WatchId IdOf(const epoll_event& event) { return reinterpret_cast<uintptr_t>(event.data.ptr); }

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::Create(const Clock& clock) {
  Poller poller = TRY(Poller::Create());
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(poller), clock));
}

Result<std::unique_ptr<EventLoop>> EventLoop::Create() { return Create(system_clock); }

Result<WatchId> EventLoop::Watch(int fd, uint32_t events, UniqueFunction<void(uint32_t)> ready) {
  const WatchId id = ++last_id_;
  TRY_STATUS(poller_.Add(fd, events, TagOf(id)));
  watched_.emplace(id, std::make_unique<Watched>(Watched{fd, std::move(ready)}));
  return id;
}

Status EventLoop::Rewatch(WatchId id, uint32_t events) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return Fail("no such watch: {}", id);
  return poller_.Modify(found->second->fd, events, TagOf(id));
}

void EventLoop::Unwatch(WatchId id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  poller_.Remove(found->second->fd);
  gone_watches_.push_back(std::move(found->second));
  watched_.erase(found);
}

void EventLoop::Defer(UniqueFunction<void()> later) { deferred_.push_back(std::move(later)); }

TimerId EventLoop::After(int64_t micros, UniqueFunction<void()> due) {
  return Start(micros, 0, std::move(due));
}

TimerId EventLoop::Every(int64_t micros, UniqueFunction<void()> due) {
  const int64_t period = std::max<int64_t>(micros, 1);
  return Start(period, period, std::move(due));
}

TimerId EventLoop::Start(int64_t micros, int64_t period, UniqueFunction<void()> due) {
  const TimerId id = ++last_id_;
  const int64_t deadline = clock_.monotonic_micros() + micros;
  timers_.emplace(id, std::make_unique<Timer>(Timer{deadline, period, std::move(due)}));
  due_.emplace(deadline, id);
  return id;
}

void EventLoop::Cancel(TimerId id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  due_.erase({found->second->deadline, id});
  gone_timers_.push_back(std::move(found->second));
  timers_.erase(found);
}

void EventLoop::Run() {
  while (!stopping_) RunOnce(-1);
  stopping_ = false;
}

void EventLoop::RunOnce(int timeout_ms) {
  AfterCallback();
  if (stopping_) return;
  TakeEvents(WaitTime(timeout_ms));
  // A process that stood still meanwhile learns of what happened before of what did not in time.
  if (!stopping_ && WaitTime(-1) == 0) TakeEvents(0);
  RunTimers();
}

void EventLoop::TakeEvents(int timeout_ms) {
  std::array<epoll_event, 64> events;
  const int got = poller_.Wait(events, timeout_ms);
  for (int i = 0; i < got && !stopping_; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    Dispatch(IdOf(event), event.events);
  }
}

void EventLoop::Dispatch(WatchId id, uint32_t events) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  Watched& watched = *found->second;
  watched.ready(events);
  AfterCallback();
}

void EventLoop::RunTimers() {
  const int64_t now = clock_.monotonic_micros();
  // A timer started by a callback waits for the next turn, so that a timer of 0 cannot keep the
  // loop here.
  std::vector<TimerId> due;
  for (const auto& [deadline, id] : due_) {
    if (deadline > now) break;
    due.push_back(id);
  }
  for (const TimerId id : due) {
    if (stopping_) return;
    RunTimer(id);
  }
}

void EventLoop::RunTimer(TimerId id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  Timer& timer = *found->second;
  if (timer.period == 0) {
    Cancel(id);
  } else {
    due_.erase({timer.deadline, id});
    const int64_t late = clock_.monotonic_micros() - timer.deadline;
    timer.deadline += timer.period * (late / timer.period + 1);
    due_.emplace(timer.deadline, id);
  }
  timer.due();
  AfterCallback();
}

void EventLoop::AfterCallback() {
  while (!deferred_.empty()) {
    auto now = std::exchange(deferred_, {});
    for (auto& call : now) call();
  }
  // Destroying a callback may unwatch more.
  while (!gone_watches_.empty()) std::exchange(gone_watches_, {}).clear();
  while (!gone_timers_.empty()) std::exchange(gone_timers_, {}).clear();
}

int EventLoop::WaitTime(int timeout_ms) const {
  if (due_.empty()) return timeout_ms;
  const int64_t micros = due_.begin()->first - clock_.monotonic_micros();
  const int64_t millis = std::clamp<int64_t>((micros + 999) / 1000, 0, INT_MAX);
  return timeout_ms < 0 ? static_cast<int>(millis)
                        : static_cast<int>(std::min<int64_t>(millis, timeout_ms));
}

}  // namespace uwsgi
