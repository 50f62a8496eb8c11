// SPDX-License-Identifier: Apache-2.0
#include "service/cache_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

namespace uwsgi {
namespace {

constexpr uint64_t kMostStripes = 64;

uint64_t BucketsOf(const CacheSpec& spec) { return std::bit_ceil(spec.hashsize); }
uint64_t StripesOf(const CacheSpec& spec) { return std::min(kMostStripes, BucketsOf(spec)); }
uint64_t MapWordsOf(const CacheSpec& spec) {
  return spec.bitmap ? (spec.block_count() + 63) / 64 : 0;
}

// Where each part begins, each at a multiple of 64.
struct Offsets {
  uint64_t stripes, buckets, slots, map, keys, blocks, end;
};

constexpr uint64_t Round(uint64_t size) { return (size + 63) / 64 * 64; }

Offsets OffsetsOf(const CacheSpec& spec) {
  Offsets at{};
  at.stripes = Round(sizeof(CacheHeader));
  at.buckets = at.stripes + StripesOf(spec) * sizeof(CacheStripe);
  at.slots = at.buckets + Round(BucketsOf(spec) * sizeof(uint32_t));
  at.map = at.slots + spec.items * sizeof(CacheSlot);
  at.keys = at.map + Round(MapWordsOf(spec) * sizeof(uint64_t));
  at.blocks = at.keys + Round(spec.items * spec.keysize);
  at.end = at.blocks + spec.block_count() * spec.blocksize;
  return at;
}

bool Overflows(uint64_t a, uint64_t b) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max() / 8;
  return b != 0 && a > kMost / b;
}

bool IsInsideKey(size_t key_size) { return key_size <= CacheSlot::kLongestInsideKey; }
// What a key leaves free in front of the value, which begins at a multiple of eight.
size_t InsideUsed(size_t key_size) { return IsInsideKey(key_size) ? (key_size + 7) / 8 * 8 : 0; }
bool IsInsideValue(size_t key_size, size_t value_size) {
  return value_size <= CacheSlot::kInside - InsideUsed(key_size);
}

}  // namespace

Result<size_t> CacheMemory::SizeOf(const CacheSpec& spec) {
  if (Overflows(spec.items, sizeof(CacheSlot)) || Overflows(spec.items, spec.keysize) ||
      Overflows(spec.block_count(), spec.blocksize)) {
    return Fail("cache \"{}\" is too large", spec.name);
  }
  return OffsetsOf(spec).end;
}

CacheMemory::CacheMemory(SharedMapping mapping, const CacheSpec& spec)
    : mapping_(std::move(mapping)),
      key_size_(spec.keysize),
      block_size_(spec.blocksize),
      block_count_(spec.block_count()),
      is_bitmap_(spec.bitmap) {
  const Offsets at = OffsetsOf(spec);
  std::byte* const base = mapping_.data();
  header_ = reinterpret_cast<CacheHeader*>(base);
  stripes_ = {reinterpret_cast<CacheStripe*>(base + at.stripes), StripesOf(spec)};
  buckets_ = {reinterpret_cast<uint32_t*>(base + at.buckets), BucketsOf(spec)};
  slots_ = {reinterpret_cast<CacheSlot*>(base + at.slots), spec.items};
  block_map_ = {reinterpret_cast<uint64_t*>(base + at.map), MapWordsOf(spec)};
  keys_ = reinterpret_cast<char*>(base + at.keys);
  blocks_ = reinterpret_cast<char*>(base + at.blocks);
}

void CacheMemory::Format(const CacheSpec& spec, uint64_t seed) {
  header_->slot_size = sizeof(CacheSlot);
  header_->stripes = static_cast<uint32_t>(stripes_.size());
  header_->items = spec.items;
  header_->blocks = spec.block_count();
  header_->blocksize = spec.blocksize;
  header_->keysize = spec.keysize;
  header_->buckets = buckets_.size();
  header_->is_bitmap = spec.bitmap ? 1 : 0;
  header_->total_size = mapping_.size();
  header_->seed = seed;
  RenewLocks();
  std::memcpy(header_->magic, CacheHeader::kMagic, sizeof header_->magic);
}

void CacheMemory::RenewLocks() {
  new (&header_->space_mutex) SharedMutex();
  for (CacheStripe& stripe : stripes_) new (&stripe.mutex) SharedMutex();
}

bool CacheMemory::Fits(const CacheSpec& spec) const {
  return std::memcmp(header_->magic, CacheHeader::kMagic, sizeof header_->magic) == 0 &&
         header_->slot_size == sizeof(CacheSlot) && header_->stripes == stripes_.size() &&
         header_->items == spec.items && header_->blocks == spec.block_count() &&
         header_->blocksize == spec.blocksize && header_->keysize == spec.keysize &&
         header_->buckets == buckets_.size() && header_->is_bitmap == (spec.bitmap ? 1U : 0U) &&
         header_->total_size == mapping_.size();
}

char* CacheMemory::KeyAt(CacheSlot& slot, size_t key_size) const {
  return IsInsideKey(key_size) ? slot.inside : keys_ + IndexOf(slot) * key_size_;
}

char* CacheMemory::ValueAt(CacheSlot& slot, size_t key_size, size_t value_size) const {
  if (IsInsideValue(key_size, value_size)) return slot.inside + InsideUsed(key_size);
  if (is_bitmap_)
    return blocks_ + (slot.extent.load(std::memory_order_relaxed) >> 32) * block_size_;
  // Small values of neighbouring slots begin at different places of their blocks, or all of them
  // would compete for the same few lines of the processor's caches.
  const uint64_t index = IndexOf(slot);
  const uint64_t shift = (index % 64) * 64;
  return blocks_ + index * block_size_ + (shift + value_size <= block_size_ ? shift : 0);
}

uint32_t CacheMemory::BlocksFor(size_t key_size, size_t value_size) const {
  if (!is_bitmap_ || IsInsideValue(key_size, value_size)) return 0;
  return static_cast<uint32_t>((value_size + block_size_ - 1) / block_size_);
}

}  // namespace uwsgi
