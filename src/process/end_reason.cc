// SPDX-License-Identifier: Apache-2.0
#include "process/end_reason.h"

namespace uwsgi {

EndReason ReasonOf(const EndFacts& facts) {
  if (facts.was_overdue) return EndReason::kHarakiri;
  switch (facts.state) {
    case ChildState::kOverdue:
    case ChildState::kDoomed:
      return EndReason::kNoMercy;
    case ChildState::kDraining:
      return facts.is_stopping ? EndReason::kStopped : EndReason::kReloaded;
    default:
      break;
  }
  if (facts.event == ChildEvent::kEndedWell) return EndReason::kRecycled;
  if (facts.event == ChildEvent::kFailedToLoad) return EndReason::kFailedToLoad;
  return facts.by_signal ? EndReason::kSignal : EndReason::kExit;
}

}  // namespace uwsgi
