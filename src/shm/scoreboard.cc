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

uint64_t WorkerSlot::TotalOfBerth(std::atomic<uint64_t> CoreSlot::*counter) const {
  uint64_t total = 0;
  for (const CoreSlot& core : cores()) total += (core.*counter).load(std::memory_order_relaxed);
  return total;
}

uint64_t WorkerSlot::Total(std::atomic<uint64_t> CoreSlot::*counter) const {
  return TotalOfBerth(counter) + twin->TotalOfBerth(counter);
}

int WorkerSlot::busy_cores() const {
  int busy = 0;
  for (const CoreSlot& core : cores()) busy += core.busy() ? 1 : 0;
  return busy;
}

void WorkerSlot::NoteSpawn(int worker_id, pid_t worker_pid, int64_t wall_s) {
  for (CoreSlot& core : cores()) {
    core.EndRequest();
    core.signal.store(-1, std::memory_order_relaxed);
  }
  for (AppSlot& app : apps()) app.is_loaded.store(false, std::memory_order_relaxed);
  accepting.store(false, std::memory_order_relaxed);
  ready.store(false, std::memory_order_relaxed);
  lacks_descriptors.store(false, std::memory_order_relaxed);
  id.store(worker_id, std::memory_order_relaxed);
  pid.store(worker_pid, std::memory_order_relaxed);
  last_spawn_s.store(wall_s, std::memory_order_relaxed);
  rss.store(0, std::memory_order_relaxed);
  vsz.store(0, std::memory_order_relaxed);
  Bump(totals->respawn_count);
  requests_at_spawn.store(TotalOfBerth(&CoreSlot::requests), std::memory_order_relaxed);
  state.store(WorkerState::kStarting, std::memory_order_relaxed);
}

void Scoreboard::AddSize(SharedSize& size, int workers, int cores, Detail detail) {
  const auto ids = static_cast<size_t>(workers);
  size.Add<Instance>();
  size.Add<WorkerTotals>(ids);
  size.Add<WorkerSlot>(ids * kBerths);
  for (size_t i = 0; i < ids * kBerths; ++i) {
    size.Add<CoreSlot>(static_cast<size_t>(cores));
    if (detail == Detail::kPlain) continue;
    size.Add<RequestVars>(static_cast<size_t>(cores));
    size.Add<AppSlot>(kMostApps);
  }
}

Result<Scoreboard> Scoreboard::Create(SharedRegion& region, int workers, int cores, Detail detail) {
  const auto ids = static_cast<size_t>(workers);
  Instance* const instance = TRY(region.Carve<Instance>()).data();
  const std::span<WorkerTotals> totals = TRY(region.Carve<WorkerTotals>(ids));
  const std::span<WorkerSlot> berths = TRY(region.Carve<WorkerSlot>(ids * kBerths));
  for (size_t i = 0; i < berths.size(); ++i) {
    const std::span<CoreSlot> seats = TRY(region.Carve<CoreSlot>(static_cast<size_t>(cores)));
    WorkerSlot& slot = berths[i];
    slot.first_core = seats.data();
    slot.core_count = seats.size();
    slot.totals = &totals[i / kBerths];
    slot.twin = &berths[i % kBerths == 0 ? i + 1 : i - 1];
    if (detail == Detail::kPlain) continue;
    const std::span<RequestVars> vars = TRY(region.Carve<RequestVars>(static_cast<size_t>(cores)));
    for (size_t core = 0; core < seats.size(); ++core) seats[core].vars = &vars[core];
    const std::span<AppSlot> apps = TRY(region.Carve<AppSlot>(kMostApps));
    slot.first_app = apps.data();
    slot.app_count = apps.size();
  }
  return Scoreboard(berths, instance);
}

}  // namespace uwsgi
