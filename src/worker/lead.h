// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace uwsgi {

// The right to drive a worker's loop. One thread holds it at a time; what belongs to the loop is
// touched by the holder only.
//
// A leader that runs the application in place says so, for the price of two atomic operations.
// While it is inside, the watcher may take the lead away; the leader finds out when it comes back.
// Everything else (giving the lead to a certain core, asking for it back) is slow and goes through
// Seats.
//
// The word is a counter with a bit: each entry into the application has a number of its own, so
// that "still inside" can be told from "inside again".
class Lead {
 public:
  using Entry = uint64_t;

  // By the leader. All it did in the loop is visible to whoever takes the lead.
  Entry EnterApp() {
    const Entry entry = (word_.load(std::memory_order_relaxed) + 2) | 1U;
    word_.exchange(entry, std::memory_order_seq_cst);
    return entry;
  }
  // By the same thread: true when it still leads.
  bool LeaveApp(Entry entry) {
    Entry expected = entry;
    return word_.compare_exchange_strong(expected, entry & ~uint64_t{1}, std::memory_order_acq_rel);
  }
  // By the watcher: what it sees now, whether that is a leader inside the application, and the
  // attempt to take the lead from it.
  [[nodiscard]] Entry Look() const { return word_.load(std::memory_order_seq_cst); }
  [[nodiscard]] static bool IsInApp(Entry entry) { return (entry & 1U) != 0; }
  bool Take(Entry entry) {
    Entry expected = entry;
    return word_.compare_exchange_strong(expected, (entry + 2) & ~uint64_t{1},
                                         std::memory_order_acq_rel);
  }

 private:
  alignas(64) std::atomic<Entry> word_{0};
};

}  // namespace uwsgi
