// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <climits>

namespace uwsgi {

TimerWheel::~TimerWheel() {
  for (TimerNode& slot : slots_) {
    while (slot.next_ != &slot) slot.next_->Unlink();
  }
}

void TimerWheel::TakeSlot(size_t slot, TimerNode& to) {
  TimerNode& head = slots_[slot];
  occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  to.LinkBefore(head);
  head.Unlink();
  head.prev_ = head.next_ = &head;
}

size_t TimerWheel::NextOccupied(size_t from) const {
  const size_t words = occupied_.size();
  uint64_t word = occupied_[from / 64] & (~uint64_t{0} << (from % 64));
  for (size_t i = 0; i <= words; ++i) {
    const size_t at = (from / 64 + i) % words;
    if (i > 0) word = occupied_[at];
    if (word != 0) return at * 64 + static_cast<size_t>(std::countr_zero(word));
  }
  return kSlots;
}

int TimerWheel::MillisUntilNext(int64_t now_ms) {
  const size_t from = SlotOf(passed_tick_ + 1);
  size_t slot = NextOccupied(from);
  // Bits of slots whose nodes were all cancelled are still set; they go here, or when the wheel
  // passes.
  while (slot != kSlots && slots_[slot].next_ == &slots_[slot]) {
    occupied_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
    slot = NextOccupied(slot);
  }
  if (slot == kSlots) return -1;
  const int64_t tick = passed_tick_ + 1 + static_cast<int64_t>((slot + kSlots - from) % kSlots);
  return static_cast<int>(std::clamp<int64_t>(tick * kTickMs - now_ms, 0, INT_MAX));
}

bool TimerWheel::empty() const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const TimerNode& slot) { return slot.next_ == &slot; });
}

}  // namespace uwsgi
