// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <span>

#include "shm/region.h"
#include "shm/shared_mutex.h"
#include "shm/thread_id.h"

namespace uwsgi {

struct UserLocksSpec {
  int count = 0;  // of locks beside number 0, which is always there
};

// The numbered locks of applications (uwsgi.lock, uwsgi.unlock), shared by all processes of the
// server. A lock belongs to the thread that took it; when that ends, or its process dies, the next
// one who asks gets it. Not recursive. All functions may be called from any process and thread.
class UserLocks {
 public:
  static void AddSize(SharedSize& size, const UserLocksSpec& spec);
  static Result<UserLocks> Create(SharedRegion& region, const UserLocksSpec& spec);

  // Valid numbers are 0 up to the count given; the others expect a valid one.
  [[nodiscard]] bool Has(int number) const {
    return number >= 0 && static_cast<size_t>(number) < locks_.size();
  }
  // Waits until the lock is free.
  void Lock(int number);
  // Nothing happens when this thread does not have it.
  void Unlock(int number);
  // Whether somebody who lives has it.
  [[nodiscard]] bool IsLocked(int number);
  // The thread that has it, or had it when it died; 0 when it is free. To look at only.
  [[nodiscard]] pid_t Holder(int number) const {
    return ThreadIdOf(locks_[static_cast<size_t>(number)].holder.load(std::memory_order_relaxed));
  }

  // For statistics: how many there are, and the process that has one (0: nobody; a dead one stays
  // named until somebody else asks for the lock).
  [[nodiscard]] int count() const { return static_cast<int>(locks_.size()); }
  [[nodiscard]] pid_t holder(int number) const {
    return locks_[static_cast<size_t>(number)].mutex.owner();
  }

 private:
  struct SharedState {
    SharedMutex mutex;
    // Its OwnThreadMark(); that of a dead one stays until the next owner comes.
    std::atomic<uint64_t> holder{0};
  };

  explicit UserLocks(std::span<SharedState> locks) : locks_(locks) {}
  SharedState& at(int number) { return locks_[static_cast<size_t>(number)]; }

  std::span<SharedState> locks_;
};

}  // namespace uwsgi
