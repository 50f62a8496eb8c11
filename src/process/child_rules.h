// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// Where a child of the master is in its life.
enum class ChildState : uint8_t {
  kVacant,     // no process, and none is wanted
  kPausing,    // no process yet: the last one died too early, the next one has to wait a little
  kStarting,   // forked, not in its loop yet
  kServing,    // in its loop
  kOutgoing,   // the same, until its replacement, which is being started, serves
  kRecycling,  // as kDraining, but its place will be filled again (helpers)
  kDraining,   // told to end: finishes its requests
  kDoomed,     // killed because it did not end in time
  kOverdue,    // killed because one of its requests took too long
};
std::string_view NameOf(ChildState state);

// What can happen to it.
enum class ChildEvent : uint8_t {
  kReady,         // it says that it has entered its loop
  kToldToEnd,     // it has been sent the signal to drain, and is not missed
  kTooOld,        // the same, and another one shall take its place
  kReplace,       // another one shall serve before this one leaves
  kNotReplaced,   // that one could not be started
  kOutOfTime,     // the deadline for draining has passed
  kHarakiri,      // one of its requests is overdue, or nobody wants to wait for them
  kEndedWell,     // the process ended by its own decision, in order (max-requests)
  kFailedToLoad,  // the process could not load its application
  kDied,          // the process ended in any other way
  kPauseOver,     // a pausing child may be started
};
std::string_view NameOf(ChildEvent event);

// What the master has to do about it.
enum class ChildAction : uint8_t {
  kNothing,
  kAnnounceReady,
  kKill,
  kStartSuccessor,   // in the other berth of the worker
  kBury,             // it is gone as it was meant to be
  kBuryDead,         // it is gone earlier than it was meant to be, and a complaint
  kReplaceRecycled,  // a new one at once
  kReplaceDead,      // a new one at once, and a complaint
  kReplaceKilled,    // as kReplaceDead, for one that we killed ourselves
  kRetryLater,       // a new one after a pause, and a complaint
  kRetryLoading,     // as kRetryLater; or the end of the instance when it can't do without the
                     // application
  kStart,            // fork it
};
std::string_view NameOf(ChildAction action);

struct ChildStep {
  ChildState next;
  ChildAction action;
};

// The one table of what follows from what. Combinations that are not in it change nothing.
ChildStep StepOf(ChildState state, ChildEvent event);

// Seconds that a slot waits before it is started again after `failures` starts in a row that
// failed: 0 the first time, then `base`, doubled each time, at most 30. `base` 0 never waits.
int64_t PauseAfter(int failures, int64_t base_s);

}  // namespace uwsgi
