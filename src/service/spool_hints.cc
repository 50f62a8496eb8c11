// SPDX-License-Identifier: Apache-2.0
#include "service/spool_hints.h"

#include "base/process.h"

namespace uwsgi {

bool SpareRing::IsFree(uint64_t place) {
  pid_t taker = takers_[place].load();
  if (taker == 0) return true;
  if (ProcessExists(taker)) return false;
  return takers_[place].compare_exchange_strong(taker, 0);
}

std::optional<uint64_t> SpareRing::Next() {
  const uint64_t put = put_.load();
  // The order matters: a place counts as taken after its taker is known.
  if (put >= taken_.load() + kPlaces || !IsFree(put % kPlaces)) return std::nullopt;
  return put % kPlaces;
}

std::optional<uint64_t> SpareRing::TakeFor(pid_t taker) {
  for (uint64_t taken = taken_.load(); taken < put_.load(); taken = taken_.load()) {
    const uint64_t place = taken % kPlaces;
    pid_t nobody = 0;
    // Somebody takes it at this moment, or is dead: there are other files.
    if (!takers_[place].compare_exchange_strong(nobody, taker) && !IsFree(place))
      return std::nullopt;
    if (nobody != 0) continue;
    if (taken_.compare_exchange_strong(taken, taken + 1)) return place;
    GiveBack(place);
  }
  return std::nullopt;
}

}  // namespace uwsgi
