// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "service/cache_memory.h"

namespace uwsgi {

// Hands out the slots and blocks of a cache. One lock for all of it, held for a moment at a time
// and taken inside a stripe's lock, never around one. When its holder died, free list and block map
// are made anew of what the slots say, so a slot says what is its own before it may rely on it.
class CacheSpace {
 public:
  explicit CacheSpace(CacheMemory& memory) : memory_(memory) {}

  // A slot for this stripe, incomplete, with that many blocks; nullptr when there is no room.
  CacheSlot* Take(uint32_t stripe, uint32_t blocks);
  // Gives an incomplete slot other blocks, whatever was in its old ones being lost. False: there
  // is no room, and nothing has changed.
  bool Resize(CacheSlot& slot, uint32_t blocks);
  // Frees a slot that nothing points to.
  void Give(CacheSlot& slot);

  // Makes free list and block map anew. The caller is alone with the memory, or holds the lock.
  void Rebuild();

  // The states of slots.
  static uint32_t IncompleteOf(uint32_t stripe) { return stripe * 2 + 2; }
  static uint32_t CompleteOf(uint32_t stripe) { return stripe * 2 + 3; }
  static bool IsComplete(uint32_t state) { return (state & 1) != 0; }
  static std::optional<uint32_t> StripeOf(uint32_t state) {
    if (state < 2) return std::nullopt;
    return state / 2 - 1;
  }

 private:
  class Lock;
  [[nodiscard]] std::optional<uint64_t> FindBlocks(uint32_t count) const;
  void Mark(uint64_t extent, bool taken);

  CacheMemory& memory_;
};

// Blocks as a slot names them.
constexpr uint64_t PackExtent(uint64_t first, uint32_t count) { return first << 32 | count; }
constexpr uint64_t FirstOf(uint64_t extent) { return extent >> 32; }
constexpr uint32_t CountOf(uint64_t extent) { return static_cast<uint32_t>(extent); }

}  // namespace uwsgi
