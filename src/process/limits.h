// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace uwsgi {

// Limits that the operator sets on every process of the server; 0 leaves the system's.
struct LimitSpec {
  int64_t max_fd = 0;
  int64_t address_space_bytes = 0;  // limit-as
  int64_t processes = 0;            // limit-nproc
  std::optional<int> priority;      // prio
};

// Sets the priority, which only root may raise: before privileges are dropped. Says so in the log.
Status ApplyPriority(const LimitSpec& spec);

// Sets the others for this process and all that it forks. An error names the option.
Status ApplyLimits(const LimitSpec& spec);

// The limit on open descriptors in force.
int64_t MaxOpenFiles();
// The limit on the user's processes in force, 0 for none.
int64_t MaxProcesses();

}  // namespace uwsgi
