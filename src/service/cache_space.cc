// SPDX-License-Identifier: Apache-2.0
#include "service/cache_space.h"

#include <algorithm>
#include <bit>

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

bool IsTaken(std::span<const uint64_t> map, uint64_t block) {
  return (map[block / 64] >> (block % 64) & 1) != 0;
}

// The first block of a free run of `count` within [begin, end).
std::optional<uint64_t> FindRun(std::span<const uint64_t> map, uint64_t begin, uint64_t end,
                                uint32_t count) {
  uint64_t run = 0;
  for (uint64_t block = begin; block < end;) {
    if (block % 64 == 0 && map[block / 64] == ~uint64_t{0}) {
      run = 0;
      block += 64;
      continue;
    }
    run = IsTaken(map, block) ? 0 : run + 1;
    ++block;
    if (run == count) return block - count;
  }
  return std::nullopt;
}

}  // namespace

// Holds the lock of the space, which is in order while it does.
class CacheSpace::Lock {
 public:
  explicit Lock(CacheSpace& space) : held_(space.memory_.header().space_mutex) {
    if (held_.owner_died()) space.Rebuild();
  }

 private:
  SharedLock held_;
};

std::optional<uint64_t> CacheSpace::FindBlocks(uint32_t count) const {
  const auto map = memory_.block_map();
  const uint64_t end = memory_.block_count();
  const uint64_t begin = std::min(memory_.header().next_block, end);
  const auto behind = FindRun(map, begin, end, count);
  return behind ? behind : FindRun(map, 0, std::min(begin + count, end), count);
}

void CacheSpace::Mark(uint64_t extent, bool taken) {
  const auto map = memory_.block_map();
  for (uint64_t block = FirstOf(extent); block < FirstOf(extent) + CountOf(extent); ++block) {
    const uint64_t bit = uint64_t{1} << (block % 64);
    if (taken) {
      map[block / 64] |= bit;
    } else {
      map[block / 64] &= ~bit;
    }
  }
}

CacheSlot* CacheSpace::Take(uint32_t stripe, uint32_t blocks) {
  CacheHeader& header = memory_.header();
  const Lock locked(*this);
  const uint64_t fresh = header.fresh.load(kRelaxed);
  if (header.free_list == 0 && fresh >= memory_.slots().size()) return nullptr;
  uint64_t extent = 0;
  if (blocks > 0) {
    const auto first = FindBlocks(blocks);
    if (!first) return nullptr;
    extent = PackExtent(*first, blocks);
    Mark(extent, true);
    header.next_block = *first + blocks;
  }
  CacheSlot* slot = nullptr;
  if (header.free_list != 0) {
    slot = &memory_.slots()[header.free_list - 1];
    header.free_list = slot->next;
  } else {
    slot = &memory_.slots()[fresh];
    header.fresh.store(fresh + 1, std::memory_order_release);
  }
  slot->extent.store(extent, kRelaxed);
  slot->next = 0;
  slot->state.store(IncompleteOf(stripe), std::memory_order_release);
  return slot;
}

bool CacheSpace::Resize(CacheSlot& slot, uint32_t blocks) {
  const uint64_t old = slot.extent.load(kRelaxed);
  if (CountOf(old) == blocks) return true;
  const Lock locked(*this);
  Mark(old, false);
  const auto first = blocks == 0 ? std::optional<uint64_t>(0) : FindBlocks(blocks);
  if (!first) {
    Mark(old, true);
    return false;
  }
  const uint64_t extent = PackExtent(*first, blocks);
  Mark(extent, true);
  slot.extent.store(extent, kRelaxed);
  return true;
}

void CacheSpace::Give(CacheSlot& slot) {
  CacheHeader& header = memory_.header();
  const Lock locked(*this);
  Mark(slot.extent.load(kRelaxed), false);
  slot.extent.store(0, kRelaxed);
  slot.state.store(0, std::memory_order_release);
  slot.next = header.free_list;
  header.free_list = memory_.IndexOf(slot) + 1;
}

void CacheSpace::Rebuild() {
  CacheHeader& header = memory_.header();
  std::ranges::fill(memory_.block_map(), 0);
  header.free_list = 0;
  header.next_block = 0;
  for (CacheSlot& slot : memory_.slots().first(header.fresh.load(kRelaxed))) {
    if (slot.state.load(kRelaxed) == 0) {
      slot.extent.store(0, kRelaxed);
      slot.next = header.free_list;
      header.free_list = memory_.IndexOf(slot) + 1;
    } else {
      Mark(slot.extent.load(kRelaxed), true);
    }
  }
}

}  // namespace uwsgi
