// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shm/shared_mutex.h"

namespace uwsgi {

// A small table in shared memory that any process adds to and one process, the master, works off. A
// row never changes once it is there; whoever dies while adding leaves nothing behind. `Row` can be
// copied byte by byte and compared.
template <typename Row, size_t kCapacity>
class Registrations {
  static_assert(std::is_trivially_copyable_v<Row>);

 public:
  enum class Added : uint8_t { kYes, kSame, kFull };

  // kSame: an equal row is there already, which counts for both.
  Added Add(const Row& row) {
    const SharedLock lock(mutex_);
    Slot* free = nullptr;
    for (Slot& slot : slots_) {
      const bool taken = slot.edition.load(std::memory_order_relaxed) % 2 == 1;
      if (taken && slot.row == row) return Added::kSame;
      if (!taken && free == nullptr) free = &slot;
    }
    if (free == nullptr) return Added::kFull;
    free->row = row;
    free->edition.fetch_add(1, std::memory_order_release);
    return Added::kYes;
  }

  // What a reader knows of the table; `since` of a new reader is all zeros.
  using Seen = std::array<uint64_t, kCapacity>;

  // Calls `visit(slot, row)` for each row that was not there when `seen` was filled last.
  template <typename Visit>
  void ForEachNew(Seen& seen, Visit visit) const {
    for (size_t i = 0; i < kCapacity; ++i) {
      const uint64_t edition = slots_[i].edition.load(std::memory_order_acquire);
      if (edition == seen[i]) continue;
      seen[i] = edition;
      if (edition % 2 == 1) visit(i, slots_[i].row);
    }
  }

  // By the reader, who is done with the row: the slot is free again.
  void Remove(size_t slot) { slots_[slot].edition.fetch_add(1, std::memory_order_release); }

 private:
  struct Slot {
    std::atomic<uint64_t> edition{0};  // odd: there is a row
    Row row{};
  };

  SharedMutex mutex_;
  std::array<Slot, kCapacity> slots_;
};

}  // namespace uwsgi
