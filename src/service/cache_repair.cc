// SPDX-License-Identifier: Apache-2.0
// How a cache is put in order after a death, and how a test finds out that it is.
#include <vector>

#include "service/cache.h"

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

// The buckets of the stripe are made anew of its complete slots. Nobody else changes the state of
// this stripe's slots meanwhile, as that takes the lock that the caller holds. May die half-way,
// and is then begun anew by the next owner.
void Cache::RepairStripe(uint32_t stripe) {
  for (size_t bucket = stripe; bucket < memory_.buckets().size();
       bucket += memory_.stripes().size()) {
    memory_.buckets()[bucket] = 0;
  }
  memory_.stripes()[stripe].items.store(0, kRelaxed);
  const uint64_t fresh = memory_.header().fresh.load(std::memory_order_acquire);
  for (CacheSlot& slot : memory_.slots().first(fresh)) {
    const uint32_t state = slot.state.load(std::memory_order_acquire);
    if (state == CacheSpace::CompleteOf(stripe)) Link(slot);
    if (state == CacheSpace::IncompleteOf(stripe)) space_.Give(slot);
  }
}

void Cache::RepairAll(const std::function<bool(CacheSlot&)>& keep) {
  CacheHeader& header = memory_.header();
  if (header.fresh.load(kRelaxed) > memory_.slots().size())
    header.fresh.store(memory_.slots().size(), kRelaxed);
  for (CacheSlot& slot : memory_.slots().first(header.fresh.load(kRelaxed))) {
    if (!CacheSpace::IsComplete(slot.state.load(kRelaxed)) || !keep(slot))
      slot.state.store(0, kRelaxed);
  }
  space_.Rebuild();
  for (uint32_t stripe = 0; stripe < memory_.stripes().size(); ++stripe) RepairStripe(stripe);
}

namespace {

// Each slot is in the free list or in the one bucket that its hash names, once.
Status CheckChains(const CacheMemory& memory, std::vector<char>& seen) {
  const auto note = [&](uint32_t index) -> Status {
    if (index >= memory.header().fresh.load(kRelaxed)) return Fail("slot {} is not in use", index);
    if (seen[index] != 0) return Fail("slot {} is in two places", index);
    seen[index] = 1;
    return {};
  };
  for (size_t bucket = 0; bucket < memory.buckets().size(); ++bucket) {
    for (uint32_t next = memory.buckets()[bucket]; next != 0;) {
      CacheSlot& slot = memory.slots()[next - 1];
      TRY_STATUS(note(next - 1));
      if (memory.BucketOf(slot.hash) != bucket)
        return Fail("slot {} is in a wrong bucket", next - 1);
      if (slot.state.load() != CacheSpace::CompleteOf(memory.StripeOf(slot.hash)))
        return Fail("slot {} in a bucket is not complete", next - 1);
      next = slot.next;
    }
  }
  for (uint32_t next = memory.header().free_list; next != 0;) {
    CacheSlot& slot = memory.slots()[next - 1];
    TRY_STATUS(note(next - 1));
    if (slot.state.load() != 0) return Fail("slot {} in the free list is not free", next - 1);
    next = slot.next;
  }
  return {};
}

// The block map says of each block what the slots say.
Status CheckBlocks(const CacheMemory& memory) {
  std::vector<uint64_t> map(memory.block_map().size());
  for (CacheSlot& slot : memory.slots().first(memory.header().fresh.load(kRelaxed))) {
    const uint64_t extent = slot.extent.load(kRelaxed);
    for (uint64_t block = FirstOf(extent); block < FirstOf(extent) + CountOf(extent); ++block) {
      if (block >= memory.block_count()) return Fail("block {} is out of range", block);
      const uint64_t bit = uint64_t{1} << (block % 64);
      if ((map[block / 64] & bit) != 0) return Fail("block {} has two owners", block);
      map[block / 64] |= bit;
    }
  }
  for (size_t word = 0; word < map.size(); ++word) {
    if (map[word] != memory.block_map()[word]) return Fail("the block map differs at {}", word);
  }
  return {};
}

}  // namespace

Status Cache::Check() {
  std::vector<std::unique_ptr<StripeLock>> locks;
  for (uint32_t stripe = 0; stripe < memory_.stripes().size(); ++stripe)
    locks.push_back(std::make_unique<StripeLock>(*this, stripe));
  // Somebody who died inside the space is noticed by the next one who goes there.
  if (CacheSlot* const slot = space_.Take(0, 0)) space_.Give(*slot);
  const SharedLock locked(memory_.header().space_mutex);
  std::vector<char> seen(memory_.slots().size());
  TRY_STATUS(CheckChains(memory_, seen));
  for (uint64_t i = 0; i < memory_.header().fresh.load(kRelaxed); ++i) {
    if (seen[i] == 0) return Fail("slot {} is lost", i);
  }
  return CheckBlocks(memory_);
}

}  // namespace uwsgi
