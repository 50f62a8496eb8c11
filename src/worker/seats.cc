// SPDX-License-Identifier: Apache-2.0
#include "worker/seats.h"

#include <chrono>
#include <utility>

namespace uwsgi {

Seats::Seats(int cores, UniqueFunction<void()> poke) : poke_(std::move(poke)) {
  for (int core = 0; core < cores; ++core) seats_.push_back(std::make_unique<Seat>());
}

Assignment Seats::WaitForAssignment(int core) {
  std::unique_lock lock(mutex_);
  Seat& seat = *seats_[static_cast<size_t>(core)];
  for (;;) {
    if (seat.lead_offered) {
      seat.lead_offered = false;
      return {Assignment::Kind::kLead, {}};
    }
    if (ending_) return {Assignment::Kind::kEnd, {}};
    if (std::exchange(seat.nudged, false)) return {Assignment::Kind::kLook, {}};
    if (const Work work = PopLocked()) return {Assignment::Kind::kWork, work};
    if (watcher_drives_ && !lead_wanted_.load(std::memory_order_relaxed)) {
      lead_wanted_.store(true, std::memory_order_release);
      poke_();
    }
    seat.idle = true;
    idle_.fetch_add(1, std::memory_order_acq_rel);
    seat.wake.wait(lock);
    if (seat.idle) {  // nobody took it from the idle ones
      seat.idle = false;
      idle_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }
}

bool Seats::OfferLeadLocked() {
  for (const auto& seat : seats_) {
    if (!seat->idle) continue;
    seat->idle = false;
    idle_.fetch_sub(1, std::memory_order_acq_rel);
    seat->lead_offered = true;
    seat->wake.notify_one();
    return true;
  }
  return false;
}

bool Seats::OfferLeadToIdleCore() {
  const std::lock_guard lock(mutex_);
  return OfferLeadLocked();
}

void Seats::WatcherDrives() {
  const std::lock_guard lock(mutex_);
  watcher_drives_ = true;
  // A core may have sat down just before, and waits for nothing.
  if (idle_.load(std::memory_order_relaxed) > 0)
    lead_wanted_.store(true, std::memory_order_release);
}

bool Seats::WatcherPassesLead() {
  const std::lock_guard lock(mutex_);
  lead_wanted_.store(false, std::memory_order_release);
  if (!OfferLeadLocked()) return false;
  watcher_drives_ = false;
  return true;
}

void Seats::Nudge(int core) {
  const std::lock_guard lock(mutex_);
  Seat& seat = *seats_[static_cast<size_t>(core)];
  seat.nudged = true;
  seat.wake.notify_one();
}

void Seats::PushWork(Work work) {
  const std::lock_guard lock(mutex_);
  work_.push_back(work);
  waiting_.store(work_.size(), std::memory_order_release);
  for (const auto& seat : seats_) {
    if (!seat->idle) continue;
    seat->idle = false;
    idle_.fetch_sub(1, std::memory_order_acq_rel);
    seat->wake.notify_one();
    return;
  }
}

Work Seats::PopLocked() {
  if (work_.empty()) return {};
  const Work work = work_.front();
  work_.pop_front();
  waiting_.store(work_.size(), std::memory_order_release);
  return work;
}

Work Seats::PopWork() {
  const std::lock_guard lock(mutex_);
  return PopLocked();
}

void Seats::WatcherSleeps(int64_t micros) {
  std::unique_lock lock(mutex_);
  if (micros < 0) {
    watcher_wake_.wait(lock, [this] { return watcher_woken_ || ending_; });
  } else {  // a look that came too early would take a short request for a long one
    watcher_wake_.wait_for(lock, std::chrono::microseconds(micros),
                           [this] { return ending_.load(); });
  }
  watcher_woken_ = false;
}

void Seats::WakeWatcher() {
  const std::lock_guard lock(mutex_);
  watcher_woken_ = true;
  watcher_wake_.notify_one();
}

void Seats::End() {
  const std::lock_guard lock(mutex_);
  ending_.store(true, std::memory_order_release);
  for (const auto& seat : seats_) seat->wake.notify_all();
  watcher_wake_.notify_all();
}

}  // namespace uwsgi
