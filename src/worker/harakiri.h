// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "net/listener.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// How requests that take too long are ended. Times in microseconds.
struct HarakiriSpec {
  int64_t limit_us = 0;  // harakiri; 0: only the application's own deadlines count
  int64_t grace_us = 0;  // harakiri-graceful-timeout: to end after it was told to
  bool verbose = false;
  int signal = 0;         // harakiri-graceful-signal, sent to the worker besides; 0 for none
  int least_backlog = 0;  // harakiri-queue-threshold
};

// As the deadline of a request: it is never overdue, whatever the limit.
inline constexpr int64_t kNeverDue = std::numeric_limits<int64_t>::max();

// When the request that a core runs is overdue: `limit_us` after its start, or earlier when the
// application asked for it (set_user_harakiri); monotonic microseconds, 0 for never.
int64_t DueTime(const CoreSlot& core, int64_t limit_us);

// Whether requests may go on beyond their time, as fewer connections than `least_backlog` wait at
// each listener.
bool IsPutOff(const HarakiriSpec& spec, std::span<const Listener* const> listeners);

// What each busy core is doing, a line each.
std::vector<std::string> DescribeRequests(const WorkerSlot& worker, int id);

// The lines about it (reference 11 section 7): which worker, and what each of its busy cores is
// doing; with `verbose` also where the kernel says that the process stands.
std::vector<std::string> DescribeHarakiri(const WorkerSlot& worker, int id, pid_t pid, int attempt,
                                          bool verbose);

}  // namespace uwsgi
