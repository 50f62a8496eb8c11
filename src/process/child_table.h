// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>

#include "base/unique_fd.h"
#include "net/event_loop.h"
#include "process/child_kind.h"
#include "process/child_rules.h"

namespace uwsgi {

struct HelperPlace;

// Why a worker is replaced by another one, which serves before it leaves.
enum class ReplaceReason : uint8_t {
  kNone,
  kLimit,    // it has reached one of its limits: one worker at a time
  kChain,    // chain reload: one worker at a time
  kReload,   // reload of the workers: all at once
  kEvil,     // it uses far too much memory: at once, and with little mercy
  kOverdue,  // it has a request that cannot be ended: at once
};

// What the log says when it has ended as it was meant to.
enum class Farewell : uint8_t { kBuried, kReplaced, kCheaped };

// A child of the master, or the place of one. Times are monotonic microseconds.
struct Child {
  ChildKind kind = ChildKind::kWorker;
  int id = 0;                    // 1..N within its kind
  int berth = 0;                 // of a worker: each has two places, so that it can be replaced
  HelperPlace* place = nullptr;  // of a helper
  ChildState state = ChildState::kVacant;
  pid_t pid = 0;  // 0: no process
  int64_t forked_us = 0;
  int64_t ready_us = 0;
  int64_t told_to_end_us = 0;
  int64_t deadline_us = 0;  // of draining; 0 when there is none
  ReplaceReason reason = ReplaceReason::kNone;
  // What it has asked for itself, or reached; a reload that is given up does not settle that.
  ReplaceReason asked = ReplaceReason::kNone;
  Farewell farewell = Farewell::kBuried;
  bool is_outdated = false;  // a helper that is to be reloaded as soon as it serves
  int failed_starts = 0;     // in a row
  int spawns = 0;            // processes that had this place
  UniqueFd reports;          // the child says here that it is ready
  WatchId reports_watch = 0;
  TimerId pause_timer = 0;

  [[nodiscard]] bool has_process() const { return pid != 0; }
  [[nodiscard]] bool is_helper() const { return place != nullptr; }
  // Wanted, whether it serves already or not: neither vacant nor leaving.
  [[nodiscard]] bool is_active() const {
    return state != ChildState::kVacant && state != ChildState::kDraining &&
           state != ChildState::kDoomed;
  }
};

// Who lives. Children keep their address. The master's alone.
class ChildTable {
 public:
  Child& Add(ChildKind kind, int id);
  // Takes out those of before the reload that are gone.
  void ForgetPredecessors();

  [[nodiscard]] Child* FindPid(pid_t pid);
  [[nodiscard]] Child* Find(ChildKind kind, int id, int berth = 0);
  // The other place of the same worker.
  [[nodiscard]] Child& TwinOf(const Child& worker);
  [[nodiscard]] std::deque<Child>& all() { return children_; }
  [[nodiscard]] const std::deque<Child>& all() const { return children_; }

  [[nodiscard]] int CountProcesses() const;
  [[nodiscard]] int CountProcesses(ChildKind kind) const;
  [[nodiscard]] int Count(ChildKind kind, ChildState state) const;

 private:
  std::deque<Child> children_;
};

}  // namespace uwsgi
