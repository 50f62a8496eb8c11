// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "process/child_rules.h"

namespace uwsgi {

// Why a worker's process ended. The names are in log lines, in the stats (`worker_ends`) and in the
// metrics.
enum class EndReason : uint8_t {
  kRecycled,      // it had done its share: max-requests, a lifetime, a limit
  kReloaded,      // it was replaced
  kStopped,       // the server stopped, or wanted fewer workers
  kHarakiri,      // one of its requests took too long
  kNoMercy,       // told to end, it did not in time and was killed
  kFailedToLoad,  // the application could not be loaded
  kSignal,        // a signal that we did not send killed it
  kExit,          // it ended by itself with a status that means nothing to us
  kCount,
};

constexpr std::string_view NameOf(EndReason reason) {
  constexpr std::string_view kNames[] = {"recycled", "reloaded",       "stopped", "harakiri",
                                         "no-mercy", "failed-to-load", "signal",  "exit"};
  return kNames[static_cast<size_t>(reason)];
}

// `state` is what the child was in when it ended with `event`.
struct EndFacts {
  ChildState state = ChildState::kServing;
  ChildEvent event = ChildEvent::kDied;
  bool by_signal = false;
  bool was_overdue = false;  // harakiri had been sent
  bool is_stopping = false;  // the server stops, or wants fewer workers
};
EndReason ReasonOf(const EndFacts& facts);

}  // namespace uwsgi
