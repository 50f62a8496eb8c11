// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shm/scoreboard.h"

namespace uwsgi {

// Why a worker is to be killed.
enum class HarakiriReason : uint8_t {
  kRequestTooLong,  // `harakiri` seconds have passed
  kUserDeadline,    // the application asked for it (set_user_harakiri)
};

// Whether one of the worker's requests is overdue. `limit_us` 0: only the application's own
// deadlines count. A function of what the scoreboard shows and the time, and of nothing else.
std::optional<HarakiriReason> FindOverdue(const WorkerSlot& worker, int64_t limit_us,
                                          int64_t now_us);

// The lines about it (reference 11 section 7): which worker, and what each of its busy cores is
// doing; with `verbose` also where the kernel says that the process stands.
std::vector<std::string> DescribeHarakiri(const WorkerSlot& worker, int id, pid_t pid, int attempt,
                                          bool verbose);

}  // namespace uwsgi
