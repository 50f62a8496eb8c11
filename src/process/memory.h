// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

namespace uwsgi {

// Memory of a process in bytes.
struct MemoryUse {
  uint64_t resident = 0;       // rss
  uint64_t address_space = 0;  // vsz, as
};

// What the kernel says; an error when the process is gone. Pages shared with the master count for
// every process that has them.
Result<MemoryUse> MemoryOf(pid_t pid);

}  // namespace uwsgi
