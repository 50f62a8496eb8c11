// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "process/master.h"
#include "process/messages.h"
#include "worker/harakiri.h"

// Workers deal with their overdue requests themselves (worker/harakiri_watch.h). The master looks
// after helpers, and after workers that do not even do that.

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHarakiriPeriod = kSecond / 4;
// A worker has had its grace time and this long to ask for its replacement.
constexpr int64_t kPatience = 5 * kSecond;

}  // namespace

void Master::WatchHarakiri() {
  if (harakiri_timer_ == 0)
    harakiri_timer_ = loop_->Every(kHarakiriPeriod, [this] { CheckHarakiri(); });
}

void Master::CheckHarakiri() {
  const int64_t now_us = MonotonicMicros();
  // The workers have put it off, too.
  if (IsPutOff(parts_.serving.worker_spec->harakiri, parts_.serving.listeners))
    harakiri_off_us_ = now_us;
  for (Child& child : children_.all()) {
    const bool may_be_killed =
        child.state == ChildState::kServing || child.state == ChildState::kRecycling;
    if (!may_be_killed) continue;
    if (child.is_helper()) CheckHelperHarakiri(child);
    // Also one whose replacement has been ordered, which cannot begin while the process before it
    // still drains.
    if (child.kind != ChildKind::kWorker) continue;
    const WorkerSlot& slot = SlotOf(child);
    const bool is_overdue = std::ranges::any_of(slot.cores(), [&](const CoreSlot& core) {
      const int64_t due_us = DueTime(core, spec().harakiri_us);
      return due_us != 0 &&
             now_us > std::max(due_us, harakiri_off_us_) + spec().harakiri_grace_us + kPatience;
    });
    if (!is_overdue) continue;
    slot.totals->harakiri_count.fetch_add(1, std::memory_order_relaxed);
    for (const std::string& line : DescribeHarakiri(slot, child.id, child.pid, 1, true))
      LogDatedLine(line);
    std::erase_if(orders_, [&child](const ReplacementOrder& order) {
      return order.id == child.id && order.reason == ReplaceReason::kOverdue;
    });
    Happen(child, ChildEvent::kHarakiri);
  }
}

void Master::CheckHelperHarakiri(Child& child) {
  HelperSlot& slot = *child.place->slot;
  if (!slot.IsOverdue(MonotonicMicros())) return;
  Bump(slot.harakiri_count);
  LogDatedLine(message::HelperHarakiri(child.kind == ChildKind::kSpooler, child.id, child.pid));
  Happen(child, ChildEvent::kHarakiri);
}

}  // namespace uwsgi
