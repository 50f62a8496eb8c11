// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "service/cache_memory.h"
#include "service/cache_space.h"
#include "service/cache_spec.h"
#include "wire/cache_packet.h"

namespace uwsgi {

// What a reader gets.
struct CacheValue {
  std::string bytes;
  int64_t expires = 0;  // seconds since 1970, 0 never
};

enum class CacheMath : uint8_t { kAdd, kSubtract, kMultiply, kDivide };

// What became of a value that was to be stored.
enum class CacheStored : uint8_t {
  kYes,
  kExists,   // kAdd only: there is one already
  kRefused,  // key or value is empty or too long
  kFull,     // there is no room
};

// One cache: values by key, with expiry, in memory that all processes share. All functions may be
// called from any process and thread.
//
// The buckets are divided into stripes, each with a lock; whoever works on a key holds its stripe's
// lock only, so different keys rarely wait for each other. A process may die at any instruction:
// the next one who takes its lock makes the stripe anew of the slots that are complete
// (RepairStripe), and an entry that was being written is gone. Times are seconds since 1970.
class Cache {
 public:
  // A new one, in memory or in its store. See cache_store.h for what becomes of an old store.
  Cache(CacheSpec spec, CacheMemory memory);
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  // An empty cache in memory.
  static Result<std::unique_ptr<Cache>> Create(CacheSpec spec);

  [[nodiscard]] const CacheSpec& spec() const { return spec_; }
  [[nodiscard]] const std::string& name() const { return spec_.name; }

  enum class SetMode : uint8_t { kAdd, kReplace };
  // `expires` is a time, 0 for never.
  CacheStored Set(ByteView key, ByteView value, int64_t expires, SetMode mode);
  [[nodiscard]] std::optional<CacheValue> Get(ByteView key);
  [[nodiscard]] bool Exists(ByteView key);
  bool Delete(ByteView key);
  void Clear();
  // All keys, in no order.
  [[nodiscard]] std::vector<std::string> Keys();
  // Calls visit(key, value, expires) for every entry; no lock is held meanwhile.
  void ForEach(const std::function<void(ByteView, ByteView, int64_t)>& visit);

  // Works on a value of eight bytes as a signed number; one that is missing begins with
  // math_initial and gets `expires`. kRefused: the value is no number.
  CacheStored Calculate(ByteView key, CacheMath operation, int64_t operand, int64_t expires);
  // 0 when there is no number.
  [[nodiscard]] int64_t Number(ByteView key);

  // When a value stored now for so many seconds expires; 0 is never, and so is less. No number is
  // too large.
  [[nodiscard]] static int64_t ExpiryAfter(int64_t seconds);

  // Removes what has expired and returns how many entries that were. Never waits for a lock: what
  // somebody is working on is left to the next sweep.
  size_t Sweep();
  // Begins to write the store.
  void Flush() const { memory_.mapping().Flush(); }
  [[nodiscard]] CacheStats stats() const;
  [[nodiscard]] size_t size() const { return memory_.mapping().size(); }
  [[nodiscard]] const CacheMemory& memory() const { return memory_; }

  // Is called after every change that this process makes, by the thread that makes it, without a
  // lock. Set before the fork.
  void OnChange(std::function<void(const CacheNotice&)> listener) {
    on_change_ = std::move(listener);
  }
  // Does what another server says, and tells nobody.
  void Apply(const CacheNotice& notice);

  // For a store: its file stays open, and so locked, as long as the cache.
  void KeepOpen(UniqueFd file) { file_ = std::move(file); }

  // Makes everything anew of the complete slots, of which those that `keep` refuses go. For one who
  // is alone with the memory.
  void RepairAll(const std::function<bool(CacheSlot&)>& keep);
  // Whether all parts of the structure agree; takes all locks. For tests.
  [[nodiscard]] Status Check();

  // The checksum of an entry in a store.
  [[nodiscard]] static uint64_t ChecksumOf(ByteView key, ByteView value, uint64_t seed);

 private:
  // Holds a stripe, which is in order while it does.
  class StripeLock {
   public:
    enum class Patience : uint8_t { kWaits, kDoesNotWait };

    StripeLock(Cache& cache, uint32_t stripe, Patience patience = Patience::kWaits)
        : mutex_(cache.memory_.stripes()[stripe].mutex),
          taken_(patience == Patience::kWaits ? mutex_.Lock() : mutex_.TryLock()) {
      if (taken_ == SharedMutex::Taken::kOwnerDied) cache.RepairStripe(stripe);
    }
    StripeLock(const StripeLock&) = delete;
    StripeLock& operator=(const StripeLock&) = delete;
    ~StripeLock() {
      if (has_it()) mutex_.Unlock();
    }
    [[nodiscard]] bool has_it() const { return taken_ != SharedMutex::Taken::kNo; }

   private:
    SharedMutex& mutex_;
    SharedMutex::Taken taken_;
  };
  struct Place {
    uint64_t hash;
    uint32_t stripe;
  };

  [[nodiscard]] Place PlaceOf(ByteView key) const;
  // These work under the lock of the stripe.
  [[nodiscard]] CacheSlot* Find(const Place& place, ByteView key) const;
  bool DeleteQuietly(ByteView key);
  CacheStored SetQuietly(ByteView key, ByteView value, int64_t expires, SetMode mode);
  CacheStored CalculateQuietly(ByteView key, CacheMath operation, int64_t operand, int64_t expires);
  CacheStored SetLocked(const Place& place, ByteView key, ByteView value, int64_t expires,
                        SetMode mode);
  CacheStored Insert(const Place& place, ByteView key, ByteView value, int64_t expires);
  bool Overwrite(CacheSlot& slot, ByteView value, int64_t expires);
  void Fill(CacheSlot& slot, ByteView value, int64_t expires);
  void Remove(CacheSlot& slot);
  void RepairStripe(uint32_t stripe);
  void Link(CacheSlot& slot);

  [[nodiscard]] bool HasExpired(const CacheSlot& slot) const;
  void NoteUse(CacheSlot& slot) const;
  void NoteChange();
  // Somebody wants to store and there is no room: true when trying again makes sense.
  bool MakeRoom();
  bool EvictOne();
  [[nodiscard]] CacheSlot* LeastRecentlyUsed() const;
  size_t RemoveExpired(bool wait);
  // True once a second at most, over all processes.
  bool MayNotice();

  CacheSpec spec_;
  CacheMemory memory_;
  CacheSpace space_{memory_};
  bool has_checksums_;
  UniqueFd file_;
  std::function<void(const CacheNotice&)> on_change_;
};

}  // namespace uwsgi
