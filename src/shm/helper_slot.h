// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace uwsgi {

// What others may see of a helper process (mule, spooler). In shared memory; it outlives the
// process, whose successor goes on counting.
struct alignas(128) HelperSlot {
  // Written by the master.
  std::atomic<pid_t> pid{0};
  std::atomic<uint64_t> spawns{0};
  std::atomic<uint64_t> harakiri_count{0};
  std::atomic<int64_t> last_spawn_s{0};  // seconds since 1970

  // Written by the helper's main thread.
  alignas(64) std::atomic<int64_t> busy_since_us{0};  // monotonic; 0: it waits
  std::atomic<int64_t> deadline_us{0};  // the master kills it when it is still busy then; 0: never
  // The same, as the application asked for it (set_user_harakiri).
  std::atomic<int64_t> user_deadline_us{0};
  std::atomic<uint64_t> tasks{0};    // tasks or messages handled
  std::atomic<uint64_t> signals{0};  // user signals handled

  void BeginWork(int64_t now_us, int64_t limit_us) {
    busy_since_us.store(now_us, std::memory_order_relaxed);
    deadline_us.store(limit_us > 0 ? now_us + limit_us : 0, std::memory_order_relaxed);
  }
  // When what it does is overdue; 0: never.
  [[nodiscard]] int64_t DueTime() const {
    const int64_t by_limit = deadline_us.load(std::memory_order_relaxed);
    const int64_t by_user = user_deadline_us.load(std::memory_order_relaxed);
    if (by_limit == 0 || by_user == 0) return std::max(by_limit, by_user);
    return std::min(by_limit, by_user);
  }
  [[nodiscard]] bool IsOverdue(int64_t now_us) const {
    const int64_t due_us = DueTime();
    return due_us != 0 && now_us >= due_us;
  }
  void EndWork() {
    user_deadline_us.store(0, std::memory_order_relaxed);
    deadline_us.store(0, std::memory_order_relaxed);
    busy_since_us.store(0, std::memory_order_relaxed);
  }
};

}  // namespace uwsgi
