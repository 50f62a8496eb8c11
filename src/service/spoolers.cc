// SPDX-License-Identifier: Apache-2.0
#include "service/spoolers.h"

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr size_t kMaxRemoteFields = 4096;
// A process that was woken and has not looked after so long may be dead: another one is woken.
constexpr int64_t kWakeUs = 2000;

// Keys of the decorators' tasks whose values are pickles, or say where pickles are.
bool IsPickleKey(std::string_view key) {
  return key == "args" || key == "kwargs" || key == "ud_spool_pickles";
}

size_t CountSlots(const SpoolersSpec& spec) {
  return spec.directories.size() * static_cast<size_t>(spec.processes);
}

}  // namespace

void Spoolers::AddSize(SharedSize& size, const SpoolersSpec& spec) {
  size.Add<Shared>();
  size.Add<SpoolerSlot>(CountSlots(spec));
  size.Add<SpoolDirSlot>(spec.directories.size());
}

Result<Spoolers> Spoolers::Create(SharedRegion& region, SpoolersSpec spec) {
  Shared& shared = TRY(region.Carve<Shared>()).front();
  const auto slots = TRY(region.Carve<SpoolerSlot>(CountSlots(spec)));
  const auto directories = TRY(region.Carve<SpoolDirSlot>(spec.directories.size()));
  shared.frequency_s.store(spec.frequency_s, std::memory_order_relaxed);
  return Spoolers(std::move(spec), &shared, slots, directories);
}

std::span<SpoolerSlot> Spoolers::SlotsOf(size_t directory) const {
  const auto count = static_cast<size_t>(spec_.processes);
  return slots_.subspan(directory * count, count);
}

int64_t Spoolers::frequency_s() const {
  return shared_->frequency_s.load(std::memory_order_relaxed);
}

void Spoolers::SetFrequency(int64_t seconds) const {
  shared_->frequency_s.store(seconds, std::memory_order_relaxed);
}

Result<size_t> Spoolers::Find(std::string_view name) const {
  if (name.empty() && !spec_.directories.empty()) return 0;
  for (size_t i = 0; i < spec_.directories.size(); ++i) {
    const SpoolDirSpec& directory = spec_.directories[i];
    if (name == directory.path || name == directory.given) return i;
  }
  Log("[uwsgi-spooler] unable to find spooler \"{}\"", name);
  return Fail("unable to find spooler \"{}\"", name);
}

Result<std::string> Spoolers::Enqueue(const SpoolTask& task) const {
  const SpoolPlacement placement = TRY(PlacementOf(task));
  const size_t index = TRY(Find(placement.spooler));
  const auto spare = TakeSpare(index);
  auto path = directory(index).Enqueue(task, placement, spec_.is_durable,
                                       spare ? std::optional(spare->number) : std::nullopt);
  if (spare) spare->ring->GiveBack(spare->place);
  if (!path) {
    Log("[uwsgi-spooler] {}", path.error().text());
    return path;
  }
  directory_slots_[index].waiting.fetch_add(1, std::memory_order_relaxed);
  if (!spec_.is_quiet) {
    Log("[spooler] written {} bytes to file {}", SizeOfSpoolFile(task), *path);
  }
  Wake(index);
  return path;
}

Result<std::string> Spoolers::EnqueueRemote(ByteView block) const {
  if (!spec_.takes_remote) return Fail("tasks from the network are not allowed (spooler-remote)");
  SpoolTask task;
  bool has_pickle = false;
  TRY_STATUS(ForEachVar(block, kMaxRemoteFields, [&](ByteView key, ByteView value) {
    has_pickle = has_pickle || IsPickleKey(key);
    task.Set(key, value);
  }));
  if (has_pickle) return Fail("a task from the network with pickled arguments is refused");
  if (task.fields.empty()) return Fail("a task from the network is empty");
  return Enqueue(task);
}

std::optional<uint64_t> Spoolers::NextSpare(size_t slot) const {
  const auto place = slots_[slot].spares.Next();
  if (!place) return std::nullopt;
  return slot * SpareRing::kPlaces + *place;
}

void Spoolers::PutSpare(size_t slot) const { slots_[slot].spares.Put(); }

std::optional<Spoolers::Spare> Spoolers::TakeSpare(size_t directory) const {
  const auto count = static_cast<size_t>(spec_.processes);
  for (size_t i = directory * count; i < (directory + 1) * count; ++i) {
    SpareRing& ring = slots_[i].spares;
    if (const auto place = ring.Take())
      return Spare{&ring, *place, i * SpareRing::kPlaces + *place};
  }
  return std::nullopt;
}

// The spooler says that it wants to be woken before it looks for the last time, and the task was
// there before we look for that: so one of the two sees the other. One process is enough for one
// task, and for several at first: it wakes the next one when it finds more than it can begin. A
// busy one looks again by itself.
void Spoolers::Wake(size_t directory) const {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<int64_t>& woken_us = directory_slots_[directory].woken_us;
  const int64_t now_us = MonotonicMicros();
  if (const int64_t woken = woken_us.load(); woken != 0 && now_us - woken < kWakeUs) return;
  // First this: who begins a task after being woken sees it, and wakes another one.
  woken_us.store(now_us);
  for (SpoolerSlot& slot : SlotsOf(directory)) {
    const pid_t pid = slot.helper.pid.load(std::memory_order_relaxed);
    if (pid > 0 && slot.wants_wake.exchange(false) && ::kill(pid, SIGUSR1) == 0) return;
  }
  woken_us.store(0);
}

}  // namespace uwsgi
