// SPDX-License-Identifier: Apache-2.0
#include "service/cache.h"

#include <time.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <random>

#include "base/clock.h"
#include "base/log.h"
#include "service/cache_hash.h"

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr uint64_t kLooksForVictim = 128;

// Seconds, cheaply: expiry is no finer.
int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

int64_t NowNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void Bump(std::atomic<uint64_t>& counter) { counter.fetch_add(1, kRelaxed); }

// Numbers wrap around, as they do in the predecessor.
int64_t Computed(CacheMath operation, int64_t value, int64_t operand) {
  const auto a = static_cast<uint64_t>(value);
  const auto b = static_cast<uint64_t>(operand);
  switch (operation) {
    case CacheMath::kAdd:
      return static_cast<int64_t>(a + b);
    case CacheMath::kSubtract:
      return static_cast<int64_t>(a - b);
    case CacheMath::kMultiply:
      return static_cast<int64_t>(a * b);
    case CacheMath::kDivide:
      if (operand == 0) return 0;  // compat: reference 34 section 2.2
      return operand == -1 ? static_cast<int64_t>(0 - a) : value / operand;
  }
  return 0;
}

std::optional<int64_t> NumberOf(ByteView value) {
  int64_t number = 0;
  if (value.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

ByteView BytesOf(const int64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

Cache::Cache(CacheSpec spec, CacheMemory memory)
    : spec_(std::move(spec)), memory_(std::move(memory)), has_checksums_(!spec_.store.empty()) {}

Result<std::unique_ptr<Cache>> Cache::Create(CacheSpec spec) {
  const size_t size = TRY(CacheMemory::SizeOf(spec));
  CacheMemory memory(TRY(SharedMapping::Anonymous(size)), spec);
  std::random_device random;
  memory.Format(spec, uint64_t{random()} << 32 | random());
  return std::make_unique<Cache>(std::move(spec), std::move(memory));
}

int64_t Cache::ExpiryAfter(int64_t seconds) {
  if (seconds <= 0) return 0;
  return Now() + std::min(seconds, std::numeric_limits<int64_t>::max() / 2);
}

uint64_t Cache::ChecksumOf(ByteView key, ByteView value, uint64_t seed) {
  return HashBytes(value, HashBytes(key, seed));
}

Cache::Place Cache::PlaceOf(ByteView key) const {
  const uint64_t hash = HashBytes(key, memory_.header().seed);
  return {hash, memory_.StripeOf(hash)};
}

CacheSlot* Cache::Find(const Place& place, ByteView key) const {
  uint32_t next = memory_.buckets()[memory_.BucketOf(place.hash)];
  while (next != 0) {
    CacheSlot& slot = memory_.slots()[next - 1];
    if (slot.hash == place.hash && memory_.KeyOf(slot) == key) return &slot;
    next = slot.next;
  }
  return nullptr;
}

bool Cache::HasExpired(const CacheSlot& slot) const {
  const int64_t expires = slot.expires.load(kRelaxed);
  return expires != 0 && !spec_.no_expire && expires < Now();
}

void Cache::NoteUse(CacheSlot& slot) const {
  if (spec_.purge_lru) slot.used_at.store(NowNanos(), kRelaxed);
}

void Cache::NoteChange() {
  if (spec_.lastmod) memory_.header().last_modified_at.store(Now(), kRelaxed);
}

std::optional<CacheValue> Cache::Get(ByteView key) {
  const Place place = PlaceOf(key);
  CacheStripe& stripe = memory_.stripes()[place.stripe];
  const StripeLock locked(*this, place.stripe);
  CacheSlot* const slot = Find(place, key);
  if (slot == nullptr || HasExpired(*slot)) {
    Bump(stripe.misses);
    return std::nullopt;
  }
  Bump(stripe.hits);
  NoteUse(*slot);
  return CacheValue{std::string(memory_.ValueOf(*slot)), slot->expires.load(kRelaxed)};
}

bool Cache::Exists(ByteView key) {
  const Place place = PlaceOf(key);
  const StripeLock locked(*this, place.stripe);
  const CacheSlot* const slot = Find(place, key);
  return slot != nullptr && !HasExpired(*slot);
}

CacheStored Cache::Set(ByteView key, ByteView value, int64_t expires, SetMode mode) {
  const CacheStored stored = SetQuietly(key, value, expires, mode);
  if (on_change_ && stored == CacheStored::kYes)
    on_change_({.key = key, .value = value, .expires = expires});
  return stored;
}

void Cache::Apply(const CacheNotice& notice) {
  if (notice.value) {
    SetQuietly(notice.key, *notice.value, notice.expires, SetMode::kReplace);
  } else {
    DeleteQuietly(notice.key);
  }
}

CacheStored Cache::SetQuietly(ByteView key, ByteView value, int64_t expires, SetMode mode) {
  if (key.empty() || key.size() > spec_.keysize || value.empty() ||
      value.size() > spec_.longest_value()) {
    return CacheStored::kRefused;
  }
  const Place place = PlaceOf(key);
  // In a cache with a bitmap each round may free one block only.
  for (uint64_t rounds = 0; rounds <= spec_.items; ++rounds) {
    {
      const StripeLock locked(*this, place.stripe);
      const CacheStored stored = SetLocked(place, key, value, expires, mode);
      if (stored != CacheStored::kFull) return stored;
    }
    if (!MakeRoom()) break;
  }
  return CacheStored::kFull;
}

CacheStored Cache::SetLocked(const Place& place, ByteView key, ByteView value, int64_t expires,
                             SetMode mode) {
  CacheSlot* const slot = Find(place, key);
  if (slot == nullptr) return Insert(place, key, value, expires);
  if (mode == SetMode::kAdd && !HasExpired(*slot)) return CacheStored::kExists;
  return Overwrite(*slot, value, expires) ? CacheStored::kYes : CacheStored::kFull;
}

// Completes an incomplete slot whose key is there.
void Cache::Fill(CacheSlot& slot, ByteView value, int64_t expires) {
  slot.value_size = value.size();
  std::memcpy(memory_.ValueAt(slot, slot.key_size, value.size()), value.data(), value.size());
  if (has_checksums_) slot.checksum = ChecksumOf(memory_.KeyOf(slot), value, memory_.header().seed);
  slot.expires.store(expires, kRelaxed);
  NoteUse(slot);
  slot.state.store(CacheSpace::CompleteOf(memory_.StripeOf(slot.hash)), std::memory_order_release);
  NoteChange();
}

CacheStored Cache::Insert(const Place& place, ByteView key, ByteView value, int64_t expires) {
  CacheSlot* const slot = space_.Take(place.stripe, memory_.BlocksFor(key.size(), value.size()));
  if (slot == nullptr) return CacheStored::kFull;
  slot->hash = place.hash;
  slot->key_size = static_cast<uint32_t>(key.size());
  std::memcpy(memory_.KeyAt(*slot, key.size()), key.data(), key.size());
  Fill(*slot, value, expires);
  Link(*slot);
  return CacheStored::kYes;
}

bool Cache::Overwrite(CacheSlot& slot, ByteView value, int64_t expires) {
  const uint32_t stripe = memory_.StripeOf(slot.hash);
  // Whoever finds the slot so after our death throws it away.
  slot.state.store(CacheSpace::IncompleteOf(stripe), std::memory_order_release);
  if (!space_.Resize(slot, memory_.BlocksFor(slot.key_size, value.size()))) {
    slot.state.store(CacheSpace::CompleteOf(stripe), std::memory_order_release);
    return false;
  }
  Fill(slot, value, expires);
  return true;
}

void Cache::Link(CacheSlot& slot) {
  uint32_t& head = memory_.buckets()[memory_.BucketOf(slot.hash)];
  slot.next = head;
  head = memory_.IndexOf(slot) + 1;
  Bump(memory_.stripes()[memory_.StripeOf(slot.hash)].items);
}

void Cache::Remove(CacheSlot& slot) {
  const uint32_t stripe = memory_.StripeOf(slot.hash);
  slot.state.store(CacheSpace::IncompleteOf(stripe), std::memory_order_release);
  uint32_t* link = &memory_.buckets()[memory_.BucketOf(slot.hash)];
  while (*link != memory_.IndexOf(slot) + 1) link = &memory_.slots()[*link - 1].next;
  *link = slot.next;
  memory_.stripes()[stripe].items.fetch_sub(1, kRelaxed);
  space_.Give(slot);
  NoteChange();
}

bool Cache::Delete(ByteView key) {
  const bool deleted = DeleteQuietly(key);
  if (on_change_ && deleted) on_change_({.key = key});
  return deleted;
}

bool Cache::DeleteQuietly(ByteView key) {
  const Place place = PlaceOf(key);
  const StripeLock locked(*this, place.stripe);
  CacheSlot* const slot = Find(place, key);
  if (slot == nullptr) return false;
  const bool was_alive = !HasExpired(*slot);
  Remove(*slot);
  return was_alive;
}

void Cache::Clear() {
  for (uint32_t stripe = 0; stripe < memory_.stripes().size(); ++stripe) {
    const StripeLock locked(*this, stripe);
    for (size_t bucket = stripe; bucket < memory_.buckets().size();
         bucket += memory_.stripes().size()) {
      while (const uint32_t first = memory_.buckets()[bucket]) Remove(memory_.slots()[first - 1]);
    }
  }
}

std::vector<std::string> Cache::Keys() {
  std::vector<std::string> keys;
  for (uint32_t stripe = 0; stripe < memory_.stripes().size(); ++stripe) {
    const StripeLock locked(*this, stripe);
    for (size_t bucket = stripe; bucket < memory_.buckets().size();
         bucket += memory_.stripes().size()) {
      for (uint32_t next = memory_.buckets()[bucket]; next != 0;) {
        CacheSlot& slot = memory_.slots()[next - 1];
        if (!HasExpired(slot)) keys.emplace_back(memory_.KeyOf(slot));
        next = slot.next;
      }
    }
  }
  return keys;
}

void Cache::ForEach(const std::function<void(ByteView, ByteView, int64_t)>& visit) {
  for (const std::string& key : Keys()) {
    if (const auto value = Get(key)) visit(key, value->bytes, value->expires);
  }
}

CacheStored Cache::Calculate(ByteView key, CacheMath operation, int64_t operand, int64_t expires) {
  const CacheStored stored = CalculateQuietly(key, operation, operand, expires);
  if (!on_change_ || stored != CacheStored::kYes) return stored;
  if (const auto value = Get(key))
    on_change_({.key = key, .value = value->bytes, .expires = value->expires});
  return stored;
}

CacheStored Cache::CalculateQuietly(ByteView key, CacheMath operation, int64_t operand,
                                    int64_t expires) {
  if (key.empty() || key.size() > spec_.keysize) return CacheStored::kRefused;
  const Place place = PlaceOf(key);
  for (uint64_t rounds = 0; rounds <= spec_.items; ++rounds) {
    {
      const StripeLock locked(*this, place.stripe);
      CacheSlot* const slot = Find(place, key);
      CacheStored stored = CacheStored::kYes;
      if (slot == nullptr || HasExpired(*slot)) {
        const int64_t number = Computed(operation, spec_.math_initial, operand);
        stored = SetLocked(place, key, BytesOf(number), expires, SetMode::kReplace);
      } else {
        const auto old = NumberOf(memory_.ValueOf(*slot));
        if (!old) return CacheStored::kRefused;
        const int64_t number = Computed(operation, *old, operand);
        Overwrite(*slot, BytesOf(number), slot->expires.load(kRelaxed));
      }
      if (stored != CacheStored::kFull) return stored;
    }
    if (!MakeRoom()) break;
  }
  return CacheStored::kFull;
}

int64_t Cache::Number(ByteView key) {
  const auto value = Get(key);
  return value ? NumberOf(value->bytes).value_or(0) : 0;
}

bool Cache::MayNotice() {
  auto& last = memory_.header().last_notice;
  int64_t before = last.load(kRelaxed);
  const int64_t now = Now();
  return before != now && last.compare_exchange_strong(before, now, kRelaxed);
}

bool Cache::MakeRoom() {
  CacheHeader& header = memory_.header();
  int64_t last = header.last_sweep.load(kRelaxed);
  const int64_t now = Now();
  const bool may_sweep = now - last >= std::max<int64_t>(spec_.sweep_on_full_s, 1) || last > now;
  if (!spec_.no_expire && may_sweep &&
      header.last_sweep.compare_exchange_strong(last, now, kRelaxed) && RemoveExpired(true) > 0) {
    return true;
  }
  if (spec_.purge_lru) {
    if (MayNotice()) Log("LRU item will be purged from cache \"{}\"", spec_.name);
    return EvictOne();
  }
  if (spec_.clear_on_full) {
    Clear();
    return true;
  }
  Bump(header.full);
  if (!spec_.ignore_full && MayNotice()) Log("*** DANGER cache \"{}\" is FULL !!! ***", spec_.name);
  return false;
}

// Exact in small caches; among some neighbours, beginning anywhere, in large ones: further than
// that only to the first that there is.
CacheSlot* Cache::LeastRecentlyUsed() const {
  const uint64_t fresh = memory_.header().fresh.load(std::memory_order_acquire);
  if (fresh == 0) return nullptr;
  const uint64_t looks = std::min(fresh, kLooksForVictim);
  uint64_t index =
      fresh > looks ? static_cast<uint64_t>(NowNanos()) * 0x9e3779b97f4a7c15 % fresh : 0;
  CacheSlot* oldest = nullptr;
  for (uint64_t i = 0; i < looks || (oldest == nullptr && i < fresh);
       ++i, index = (index + 1) % fresh) {
    CacheSlot& slot = memory_.slots()[index];
    if (!CacheSpace::IsComplete(slot.state.load(std::memory_order_acquire))) continue;
    if (oldest == nullptr || slot.used_at.load(kRelaxed) < oldest->used_at.load(kRelaxed))
      oldest = &slot;
  }
  return oldest;
}

bool Cache::EvictOne() {
  CacheSlot* const slot = LeastRecentlyUsed();
  if (slot == nullptr) return false;
  const uint32_t state = slot->state.load(std::memory_order_acquire);
  const auto stripe = CacheSpace::StripeOf(state);
  if (!stripe) return true;  // gone meanwhile, which is as good
  const StripeLock locked(*this, *stripe);
  if (slot->state.load(std::memory_order_acquire) == CacheSpace::CompleteOf(*stripe)) Remove(*slot);
  return true;
}

size_t Cache::RemoveExpired(bool wait) {
  using Patience = StripeLock::Patience;
  const uint64_t fresh = memory_.header().fresh.load(std::memory_order_acquire);
  size_t removed = 0;
  for (CacheSlot& slot : memory_.slots().first(fresh)) {
    const uint32_t state = slot.state.load(std::memory_order_acquire);
    if (!CacheSpace::IsComplete(state) || !HasExpired(slot)) continue;
    const uint32_t stripe = *CacheSpace::StripeOf(state);
    const StripeLock locked(*this, stripe, wait ? Patience::kWaits : Patience::kDoesNotWait);
    if (!locked.has_it() || slot.state.load(std::memory_order_acquire) != state ||
        !HasExpired(slot)) {
      continue;
    }
    Remove(slot);
    ++removed;
  }
  return removed;
}

size_t Cache::Sweep() { return spec_.no_expire ? 0 : RemoveExpired(false); }

CacheStats Cache::stats() const {
  const CacheHeader& header = memory_.header();
  CacheStats stats{.name = spec_.name,
                   .hash = spec_.hash,
                   .hashsize = spec_.hashsize,
                   .keysize = spec_.keysize,
                   .max_items = spec_.items,
                   .blocks = spec_.block_count(),
                   .blocksize = spec_.blocksize,
                   .full = header.full.load(kRelaxed),
                   .last_modified_at = header.last_modified_at.load(kRelaxed)};
  for (const CacheStripe& stripe : memory_.stripes()) {
    stats.items += stripe.items.load(kRelaxed);
    stats.hits += stripe.hits.load(kRelaxed);
    stats.misses += stripe.misses.load(kRelaxed);
  }
  return stats;
}

}  // namespace uwsgi
