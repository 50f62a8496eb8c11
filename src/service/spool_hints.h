// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "service/spool_name.h"

namespace uwsgi {

// Shared memory that spares the processes of a spool directory system calls. Nothing depends on it:
// what is lost of it, or wrong, costs time only.

// Tasks that were done a moment ago, so that those who have them on their lists need not look for
// their files. Later tasks take the places of earlier ones.
class DoneTable {
 public:
  void Add(uint64_t hash, int64_t now_us) {
    Place& place = places_[hash % places_.size()];
    place.done_us.store(now_us, std::memory_order_relaxed);
    place.hash.store(hash, std::memory_order_release);
  }
  // Done after `since_us`. A file of that name that is found later is another task.
  [[nodiscard]] bool HasSince(uint64_t hash, int64_t since_us) const {
    const Place& place = places_[hash % places_.size()];
    return place.hash.load(std::memory_order_acquire) == hash &&
           place.done_us.load(std::memory_order_relaxed) >= since_us;
  }

 private:
  struct Place {
    std::atomic<uint64_t> hash{0};
    std::atomic<int64_t> done_us{0};
  };
  std::array<Place, 32768> places_;
};

// Tasks that processes have in their hands, so that those who have them on their lists pass them by
// and come back to them later. Not more than a hint: what a dead process had stays here until
// its death is counted, or somebody has had that task.
class TurnTable {
 public:
  // The task is the caller's turn until Leave(); false when another has it.
  bool Enter(uint64_t hash) {
    uint64_t had = 0;
    std::atomic<uint64_t>& place = places_[hash % places_.size()];
    return place.compare_exchange_strong(had, hash) || had != hash;
  }
  void Leave(uint64_t hash) { places_[hash % places_.size()].compare_exchange_strong(hash, 0); }

 private:
  std::array<std::atomic<uint64_t>, 512> places_{};  // hashes, 0 for none
};

// Files of done tasks that wait for new ones. One process puts them, all others take them; a place
// is not used again before the one who took it has given it back, or is dead.
class SpareRing {
 public:
  static constexpr uint64_t kPlaces = 256;

  // For the one who puts: the next place, nothing when all are full; and that its file is there.
  [[nodiscard]] std::optional<uint64_t> Next();
  void Put() { put_.fetch_add(1); }
  // For all others: a place whose file is theirs until they give it back.
  [[nodiscard]] std::optional<uint64_t> Take() { return TakeFor(OwnPid()); }
  std::optional<uint64_t> TakeFor(pid_t taker);
  void GiveBack(uint64_t place) { takers_[place].store(0); }

 private:
  // Whether nobody has the place; one who died does not count.
  bool IsFree(uint64_t place);

  std::atomic<uint64_t> put_{0};
  std::atomic<uint64_t> taken_{0};
  std::array<std::atomic<pid_t>, kPlaces> takers_{};  // processes, 0 for none
};

}  // namespace uwsgi
