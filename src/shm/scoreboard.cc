// SPDX-License-Identifier: Apache-2.0
#include "shm/scoreboard.h"

namespace uwsgi {

namespace {

constexpr CounterRow kCounters[] = {
#define COUNTER(name, meaning) {#name, meaning, &CoreSlot::name},
#include "shm/counters.def"
#undef COUNTER
};

}  // namespace

std::string_view NameOf(WorkerState state) {
  switch (state) {
    case WorkerState::kEmpty:
      return "empty";
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kAccepting:
      return "accepting";
    case WorkerState::kDraining:
      return "draining";
    case WorkerState::kGone:
      return "gone";
  }
  return "unknown";
}

std::span<const CounterRow> AllCounters() { return kCounters; }

uint64_t WorkerSlot::Total(std::atomic<uint64_t> CoreSlot::*counter) const {
  uint64_t total = 0;
  for (const CoreSlot& core : cores()) total += (core.*counter).load(std::memory_order_relaxed);
  return total;
}

int WorkerSlot::busy_cores() const {
  int busy = 0;
  for (const CoreSlot& core : cores()) busy += core.busy() ? 1 : 0;
  return busy;
}

void WorkerSlot::NoteSpawn(int worker_id, pid_t worker_pid, int64_t wall_s) {
  for (CoreSlot& core : cores()) core.EndRequest();
  accepting.store(false, std::memory_order_relaxed);
  ready.store(false, std::memory_order_relaxed);
  id.store(worker_id, std::memory_order_relaxed);
  pid.store(worker_pid, std::memory_order_relaxed);
  last_spawn_s.store(wall_s, std::memory_order_relaxed);
  Bump(respawn_count);
  requests_at_spawn.store(requests(), std::memory_order_relaxed);
  state.store(WorkerState::kStarting, std::memory_order_relaxed);
}

void Scoreboard::AddSize(SharedSize& size, int workers, int cores) {
  size.Add<Instance>();
  size.Add<WorkerSlot>(static_cast<size_t>(workers));
  for (int i = 0; i < workers; ++i) size.Add<CoreSlot>(static_cast<size_t>(cores));
}

Result<Scoreboard> Scoreboard::Create(SharedRegion& region, int workers, int cores) {
  Instance* const instance = TRY(region.Carve<Instance>()).data();
  const std::span<WorkerSlot> slots = TRY(region.Carve<WorkerSlot>(static_cast<size_t>(workers)));
  for (WorkerSlot& slot : slots) {
    const std::span<CoreSlot> seats = TRY(region.Carve<CoreSlot>(static_cast<size_t>(cores)));
    slot.first_core = seats.data();
    slot.core_count = seats.size();
  }
  return Scoreboard(slots, instance);
}

}  // namespace uwsgi
