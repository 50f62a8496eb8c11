// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/leader.h"

namespace uwsgi {

// How long the watcher sleeps between two looks. A timer costs the processor more than it seems to,
// on virtual machines above all, and an application that has been quick for a while tends to stay
// so: then the looks grow rarer, up to kLongestUs. One slow request brings them back to kShortestUs
// for a second or two; a hiccup, which is over soon after the lead was taken, does not.
class WatchPace {
 public:
  static constexpr int64_t kShortestUs = 1000;
  static constexpr int64_t kLongestUs = 16'000;

  int64_t NextSleepUs() {
    if (++calm_looks_ > kLooksPerStep && sleep_us_ < kLongestUs) {
      calm_looks_ = 0;
      sleep_us_ *= 2;
    }
    return sleep_us_;
  }
  void SawSlowRequest() {
    sleep_us_ = kShortestUs;
    calm_looks_ = -kLooksAfterSlow;
  }

 private:
  static constexpr int kLooksPerStep = 8;
  static constexpr int kLooksAfterSlow = 1000;

  int64_t sleep_us_ = kShortestUs;
  int calm_looks_ = 0;
};

// Tells a request that is slow from one whose thread would go on if it got a processor: to pass the
// work on would then only make more of it.
class Hunger {
 public:
  static constexpr int64_t kEnoughUs = 1000;

  // At each look at a leader inside the application.
  void See(Lead::Entry entry, const ThreadView& thread) {
    if (entry == entry_) return;
    entry_ = entry;
    used_us_ = thread.CpuMicros();
  }
  // Of the entry that was seen last: whether its thread is kept waiting for a processor and has
  // used little of one since it was first seen.
  [[nodiscard]] bool IsHungry(const ThreadView& thread) const {
    return thread.CpuMicros() - used_us_ < kEnoughUs && thread.IsRunnable();
  }

 private:
  Lead::Entry entry_ = 0;
  int64_t used_us_ = 0;
};

// The thread that keeps a slow request from delaying the others. It never runs an application and
// never holds a language's lock. While requests are quick it does nothing but look now and then;
// while there are none it sleeps. When a request is still inside the application a millisecond
// after a look, it takes the lead and gives it to an idle core, or, when there is none, drives the
// loop itself until a core is free. A request whose thread waits for a processor is not slow.
class Watcher {
 public:
  explicit Watcher(Leader& leader) : leader_(leader) {}
  // The body of its thread: returns when the worker ends.
  void Run();

 private:
  static constexpr int64_t kSlowAfterUs = 1000;
  static constexpr int kIdleLooks = 8;  // without a request, before it sleeps

  void TakeLead();

  Leader& leader_;
};

}  // namespace uwsgi
