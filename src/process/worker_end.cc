// SPDX-License-Identifier: Apache-2.0
#include "process/worker_end.h"

#include <sys/wait.h>

#include <string>

#include "base/log.h"
#include "request/close_reason.h"

namespace uwsgi {
namespace {

std::string Describe(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("signal {}", WTERMSIG(wait_status));
  return fmt::format("status {}", WEXITSTATUS(wait_status));
}

// Requests that it was running. A worker of before a reload had another scoreboard.
uint64_t CountUnanswered(const Scoreboard& scoreboard, const Child& child) {
  if (child.kind != ChildKind::kWorker) return 0;
  return static_cast<uint64_t>(scoreboard.berth(child.id, child.berth).busy_cores());
}

}  // namespace

void NoteWorkerEnd(const Scoreboard& scoreboard, const Child& child, const WorkerEnd& end) {
  const bool is_worker = child.kind == ChildKind::kWorker || child.kind == ChildKind::kPredecessor;
  if (!is_worker || child.id < 1 || child.id > scoreboard.workers()) return;
  const EndReason reason =
      ReasonOf({.state = child.state,
                .event = end.event,
                .by_signal = WIFSIGNALED(end.wait_status),
                .was_overdue = child.reason == ReplaceReason::kOverdue,
                .is_stopping = end.is_stopping || child.farewell == Farewell::kCheaped});
  WorkerTotals& totals = *scoreboard.worker(child.id).totals;
  totals.ends[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  const uint64_t unanswered = CountUnanswered(scoreboard, child);
  if (unanswered > 0) {
    totals.closed[static_cast<size_t>(CloseReason::kWorkerDied)].fetch_add(
        unanswered, std::memory_order_relaxed);
  }
  Log("worker {} (pid: {}) ended with {}, reason: {}, requests left unanswered: {}", child.id,
      end.pid, Describe(end.wait_status), NameOf(reason), unanswered);
}

}  // namespace uwsgi
