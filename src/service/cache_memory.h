// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "service/cache_spec.h"
#include "shm/mapping.h"
#include "shm/shared_mutex.h"

// How a cache lies in shared memory. docs/formats/shared-cache.md draws it.
namespace uwsgi {

// One entry. Its key and value lie in `inside` when they are small, else in the slot's part of the
// key area and in its blocks. All zero is a free slot.
struct alignas(64) CacheSlot {
  static constexpr size_t kInside = 192;
  static constexpr size_t kLongestInsideKey = 96;

  // Whose the slot is: 0 free, else twice the number of its stripe plus 2, plus 1 when it is
  // complete. Incomplete slots are what somebody is working on, or was when it died.
  std::atomic<uint32_t> state;
  uint32_t next;  // in its bucket or in the free list, as index + 1
  uint64_t hash;
  std::atomic<uint64_t> extent;  // blocks of a cache with a bitmap: first << 32 | count
  std::atomic<int64_t> expires;  // seconds since 1970, 0 never
  std::atomic<int64_t> used_at;  // nanoseconds, for purge_lru only
  uint64_t value_size;
  uint64_t checksum;  // of key and value, for stores only
  uint32_t key_size;
  char inside[kInside];
};
static_assert(sizeof(CacheSlot) == 256);

// A part of the buckets with the lock that guards them and the slots in them.
struct alignas(64) CacheStripe {
  SharedMutex mutex;
  std::atomic<uint64_t> items;
  std::atomic<uint64_t> hits;
  std::atomic<uint64_t> misses;
};

struct CacheHeader {
  static constexpr char kMagic[8] = {'u', 'w', 's', 'g', 'i', 'c', 'a', '1'};

  char magic[8];
  uint32_t slot_size;
  uint32_t stripes;
  uint64_t items;
  uint64_t blocks;
  uint64_t blocksize;
  uint64_t keysize;
  uint64_t buckets;
  uint64_t is_bitmap;
  uint64_t total_size;
  uint64_t seed;  // of the hash of keys

  alignas(64) SharedMutex space_mutex;  // guards all up to `next_block`, and the block map
  std::atomic<uint64_t> fresh;          // slots from here on have never been used
  uint32_t free_list;                   // index + 1
  uint64_t next_block;                  // where the search for blocks begins

  alignas(64) std::atomic<uint64_t> full;
  std::atomic<int64_t> last_modified_at;
  std::atomic<int64_t> last_sweep;   // seconds
  std::atomic<int64_t> last_notice;  // seconds; of the last line about a full cache
};

// The mapping with its parts. Not the owner of anything but the mapping.
class CacheMemory {
 public:
  // Bytes of the whole; an error when they cannot be counted.
  static Result<size_t> SizeOf(const CacheSpec& spec);
  // Lays the cache out in a mapping of that size. Nothing is written.
  CacheMemory(SharedMapping mapping, const CacheSpec& spec);

  // Makes an empty cache of zeroed memory.
  void Format(const CacheSpec& spec, uint64_t seed);
  // New locks: nobody else has the memory.
  void RenewLocks();
  // Whether the memory holds a cache of this layout.
  [[nodiscard]] bool Fits(const CacheSpec& spec) const;

  [[nodiscard]] CacheHeader& header() const { return *header_; }
  [[nodiscard]] std::span<CacheStripe> stripes() const { return stripes_; }
  [[nodiscard]] std::span<uint32_t> buckets() const { return buckets_; }
  [[nodiscard]] std::span<CacheSlot> slots() const { return slots_; }
  // A bit per block, set when it is taken; empty without bitmap.
  [[nodiscard]] std::span<uint64_t> block_map() const { return block_map_; }
  [[nodiscard]] uint64_t block_count() const { return block_count_; }
  [[nodiscard]] const SharedMapping& mapping() const { return mapping_; }

  [[nodiscard]] uint32_t IndexOf(const CacheSlot& slot) const {
    return static_cast<uint32_t>(&slot - slots_.data());
  }
  [[nodiscard]] uint32_t BucketOf(uint64_t hash) const {
    return static_cast<uint32_t>(hash & (buckets_.size() - 1));
  }
  [[nodiscard]] uint32_t StripeOf(uint64_t hash) const {
    return static_cast<uint32_t>(hash & (stripes_.size() - 1));
  }

  // Where the bytes of an entry of these sizes lie.
  [[nodiscard]] char* KeyAt(CacheSlot& slot, size_t key_size) const;
  [[nodiscard]] char* ValueAt(CacheSlot& slot, size_t key_size, size_t value_size) const;
  [[nodiscard]] ByteView KeyOf(CacheSlot& slot) const {
    return {KeyAt(slot, slot.key_size), slot.key_size};
  }
  [[nodiscard]] ByteView ValueOf(CacheSlot& slot) const {
    return {ValueAt(slot, slot.key_size, slot.value_size), slot.value_size};
  }
  // How many blocks of the bitmap such an entry takes.
  [[nodiscard]] uint32_t BlocksFor(size_t key_size, size_t value_size) const;

 private:
  SharedMapping mapping_;
  CacheHeader* header_;
  std::span<CacheStripe> stripes_;
  std::span<uint32_t> buckets_;
  std::span<CacheSlot> slots_;
  std::span<uint64_t> block_map_;
  char* keys_;
  char* blocks_;
  uint64_t key_size_;
  uint64_t block_size_;
  uint64_t block_count_;
  bool is_bitmap_;
};

}  // namespace uwsgi
