// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "process/memory.h"

namespace uwsgi {

// When a worker is replaced for what it has become. Times in microseconds, sizes in bytes, 0 for
// never. max-requests and reload-on-exception are noticed by the worker itself.
struct RecycleSpec {
  int64_t min_lifetime_us = 0;  // no limit replaces a worker younger than this, but evil ones
  int64_t max_lifetime_us = 0;
  int64_t max_lifetime_delta_us = 0;  // times the worker's number less one, added to it
  uint64_t address_space = 0;         // reload-on-as
  uint64_t resident = 0;              // reload-on-rss
  uint64_t evil_address_space = 0;    // evil-reload-on-as
  uint64_t evil_resident = 0;         // evil-reload-on-rss
  int64_t memory_period_us = 0;       // between looks at the memory

  [[nodiscard]] bool watches_memory() const {
    return address_space > 0 || resident > 0 || evil_address_space > 0 || evil_resident > 0;
  }
};

// Why a worker is to be replaced.
enum class RecycleReason : uint8_t {
  kNone,
  kTooOld,
  kAddressSpace,
  kResident,
  kEvilAddressSpace,  // the evil ones do not wait for the running requests for long
  kEvilResident,
};

struct WorkerAge {
  int id = 0;
  int64_t age_us = 0;
  MemoryUse memory;
};

RecycleReason ReasonToRecycle(const RecycleSpec& spec, const WorkerAge& worker);
constexpr bool IsEvil(RecycleReason reason) {
  return reason == RecycleReason::kEvilAddressSpace || reason == RecycleReason::kEvilResident;
}

// The line about it (reference 11 section 7).
std::string DescribeRecycling(RecycleReason reason, const WorkerAge& worker, pid_t pid);

}  // namespace uwsgi
