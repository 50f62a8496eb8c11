// SPDX-License-Identifier: Apache-2.0
#include "process/recycle.h"

#include <fmt/format.h>

#include "process/messages.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

bool IsAbove(uint64_t value, uint64_t limit) { return limit > 0 && value >= limit; }

}  // namespace

RecycleReason ReasonToRecycle(const RecycleSpec& spec, const WorkerAge& worker) {
  const MemoryUse& memory = worker.memory;
  if (IsAbove(memory.address_space, spec.evil_address_space))
    return RecycleReason::kEvilAddressSpace;
  if (IsAbove(memory.resident, spec.evil_resident)) return RecycleReason::kEvilResident;
  if (worker.age_us < spec.min_lifetime_us) return RecycleReason::kNone;
  if (spec.max_lifetime_us > 0 &&
      worker.age_us > spec.max_lifetime_us + (worker.id - 1) * spec.max_lifetime_delta_us)
    return RecycleReason::kTooOld;
  if (IsAbove(memory.address_space, spec.address_space)) return RecycleReason::kAddressSpace;
  if (IsAbove(memory.resident, spec.resident)) return RecycleReason::kResident;
  return RecycleReason::kNone;
}

std::string DescribeRecycling(RecycleReason reason, const WorkerAge& worker, pid_t pid) {
  const MemoryUse& memory = worker.memory;
  switch (reason) {
    case RecycleReason::kTooOld:
      return message::WorkerLifetimeReached(worker.id, worker.age_us / kSecond);
    case RecycleReason::kAddressSpace:
      return fmt::format("worker {} (pid: {}) has an address space of {} bytes (reload-on-as)",
                         worker.id, pid, memory.address_space);
    case RecycleReason::kResident:
      return fmt::format("worker {} (pid: {}) uses {} bytes of memory (reload-on-rss)", worker.id,
                         pid, memory.resident);
    case RecycleReason::kEvilAddressSpace:
      return fmt::format("*** EVIL RELOAD ON WORKER {} ADDRESS SPACE: {} (pid: {}) ***", worker.id,
                         memory.address_space, pid);
    case RecycleReason::kEvilResident:
      return fmt::format("*** EVIL RELOAD ON WORKER {} RSS: {} (pid: {}) ***", worker.id,
                         memory.resident, pid);
    case RecycleReason::kNone:
      break;
  }
  return {};
}

}  // namespace uwsgi
