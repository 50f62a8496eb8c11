// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "base/function.h"
#include "request/connection.h"

namespace uwsgi {

struct Errand;

// What a core can do for somebody: a complete request or an errand.
struct Work {
  Connection* connection = nullptr;
  Errand* errand = nullptr;

  explicit operator bool() const { return connection != nullptr || errand != nullptr; }
};

// What a core thread without the lead is told to do next.
struct Assignment {
  enum class Kind : uint8_t { kLead, kWork, kLook, kEnd };  // kLook: at what is the core's own
  Kind kind = Kind::kEnd;
  Work work;  // of kWork
};

// Where core threads without the lead wait, and the work that waits for one of them.
// Thread-safe; the slow paths of passing work on meet here. A worker whose application is quick
// never comes here.
class Seats {
 public:
  // `poke` makes the driver of the loop return from its wait.
  Seats(int cores, UniqueFunction<void()> poke);

  // By an idle core: waits for an assignment. Asks the watcher for the lead when the watcher
  // drives.
  Assignment WaitForAssignment(int core);

  // By the leader: gives the lead to an idle core; false when there is none.
  bool OfferLeadToIdleCore();
  // By the watcher: it has taken the lead and drives itself.
  void WatcherDrives();
  // Somebody wants the lead from the watcher: checked by the driving watcher at every turn.
  [[nodiscard]] bool lead_wanted() const { return lead_wanted_.load(std::memory_order_acquire); }
  // By the watcher, when wanted: passes it to a waiting core; false when none waits any more.
  bool WatcherPassesLead();

  // Something is to be done on this core, as soon as it sits here.
  void Nudge(int core);

  void PushWork(Work work);
  // By the leading core, whose own turn it is: work that waits, or none.
  Work PopWork();
  [[nodiscard]] bool has_work() const { return work_count() > 0; }
  [[nodiscard]] size_t work_count() const { return waiting_.load(std::memory_order_acquire); }
  [[nodiscard]] bool has_idle_core() const { return idle_.load(std::memory_order_acquire) > 0; }

  // The watcher's sleep, until woken when `micros` is negative.
  void WatcherSleeps(int64_t micros);
  void WakeWatcher();

  void End();
  [[nodiscard]] bool ending() const { return ending_.load(std::memory_order_acquire); }

 private:
  struct Seat {
    std::condition_variable wake;
    bool idle = false;
    bool lead_offered = false;
    bool nudged = false;
  };
  bool OfferLeadLocked();
  Work PopLocked();

  std::mutex mutex_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::condition_variable watcher_wake_;
  std::deque<Work> work_;
  UniqueFunction<void()> poke_;
  bool watcher_drives_ = false;
  bool watcher_woken_ = false;
  std::atomic<bool> lead_wanted_{false};
  std::atomic<int> idle_{0};
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> ending_{false};
};

}  // namespace uwsgi
