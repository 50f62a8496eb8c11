// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <utility>

namespace uwsgi {

// A lock between processes, living in a SharedRegion and constructed there before the fork. When
// its owner dies the next one gets it, and is told, since what the lock protects may be
// half-written. Not recursive.
class SharedMutex {
 public:
  enum class Taken {
    kYes,
    kOwnerDied,  // it is ours now, and the one before us ended in the middle of its work
    kNo,         // somebody else has it
  };

  SharedMutex();
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  // Waits; a caller that holds the GIL releases it first.
  Taken Lock();
  Taken TryLock();
  // By the owner only.
  void Unlock();

  // The process that has it, 0 when nobody has; a process that died with it is still named.
  [[nodiscard]] pid_t owner() const { return owner_.load(std::memory_order_relaxed); }

 private:
  Taken Note(int outcome);

  pthread_mutex_t mutex_;
  std::atomic<pid_t> owner_{0};
};

// Holds the lock while it lives.
class SharedLock {
 public:
  explicit SharedLock(SharedMutex& mutex) : mutex_(mutex), taken_(mutex.Lock()) {}
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;
  ~SharedLock() { mutex_.Unlock(); }

  // What the lock protects has to be checked or made anew.
  [[nodiscard]] bool owner_died() const { return taken_ == SharedMutex::Taken::kOwnerDied; }

 private:
  SharedMutex& mutex_;
  SharedMutex::Taken taken_;
};

}  // namespace uwsgi
