// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace uwsgi {

// Part of whatever has a deadline (a connection, say); it is in at most one wheel, and leaves it
// when destroyed.
struct TimerNode {
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  ~TimerNode() { Unlink(); }

  [[nodiscard]] bool scheduled() const { return next_ != nullptr; }

 private:
  friend class TimerWheel;
  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }
  void LinkBefore(TimerNode& other) {
    prev_ = other.prev_;
    next_ = &other;
    prev_->next_ = this;
    other.prev_ = this;
  }

  TimerNode* prev_ = nullptr;
  TimerNode* next_ = nullptr;
  int64_t tick_ = 0;
};

// Deadlines of many connections, for one thread (or one at a time). Scheduling, moving and
// cancelling cost a few pointer writes and no memory; moving a deadline by less than a tick costs
// nothing. The price is precision: a node expires at the end of the tick its deadline is in, up to
// kTickMs late, never early.
//
// A hashed wheel: time is cut into ticks, and slot `tick % kSlots` holds the nodes of that tick and
// of all ticks a whole number of turns (65 s) later; those are stepped over when the wheel passes.
// A bit per slot tells where any are.
class TimerWheel {
 public:
  static constexpr int64_t kTickMs = 128;
  static constexpr size_t kSlots = 512;

  TimerWheel() {
    for (TimerNode& slot : slots_) slot.prev_ = slot.next_ = &slot;
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Sets or moves the deadline. One that has passed already expires with the next tick.
  void Schedule(TimerNode& node, int64_t deadline_ms) {
    int64_t tick = (deadline_ms + kTickMs - 1) / kTickMs;
    if (tick <= passed_tick_) tick = passed_tick_ + 1;
    if (node.scheduled()) {
      if (node.tick_ == tick) return;
      node.Unlink();
    }
    node.tick_ = tick;
    Insert(node);
  }

  void Cancel(TimerNode& node) { node.Unlink(); }

  // Takes out every node whose tick has passed and calls `on_expired(TimerNode&)` with it; that may
  // schedule, cancel and destroy any node.
  template <typename F>
  void Expire(int64_t now_ms, F&& on_expired);

  // How long a wait may last: 0 when something is due, -1 when nothing is scheduled. May be earlier
  // than the next deadline, when a slot holds only cancelled nodes or later turns.
  [[nodiscard]] int MillisUntilNext(int64_t now_ms);

  // Nothing is scheduled.
  [[nodiscard]] bool empty() const;

 private:
  static size_t SlotOf(int64_t tick) { return static_cast<size_t>(tick) % kSlots; }
  void Insert(TimerNode& node) {
    const size_t slot = SlotOf(node.tick_);
    node.LinkBefore(slots_[slot]);
    occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
  }
  // The first slot with nodes at or after `from`, going round; kSlots when there is none.
  size_t NextOccupied(size_t from) const;
  // Moves the nodes of a slot to the list `to`, which is empty.
  void TakeSlot(size_t slot, TimerNode& to);

  std::array<TimerNode, kSlots> slots_;  // heads of rings
  std::array<uint64_t, kSlots / 64> occupied_{};
  int64_t passed_tick_ = 0;  // everything up to this tick has expired
};

template <typename F>
void TimerWheel::Expire(int64_t now_ms, F&& on_expired) {
  const int64_t current = now_ms / kTickMs;
  if (current <= passed_tick_) return;
  const int64_t first = current - passed_tick_ > static_cast<int64_t>(kSlots)
                            ? current - static_cast<int64_t>(kSlots) + 1
                            : passed_tick_ + 1;
  passed_tick_ = current;
  for (int64_t tick = first; tick <= current; ++tick) {
    const size_t slot = SlotOf(tick);
    if ((occupied_[slot / 64] >> (slot % 64) & 1) == 0) continue;
    TimerNode taken;
    TakeSlot(slot, taken);
    while (taken.next_ != &taken) {
      TimerNode& node = *taken.next_;
      node.Unlink();
      if (node.tick_ <= current) {
        on_expired(node);
      } else {
        Insert(node);
      }
    }
  }
}

}  // namespace uwsgi
