// SPDX-License-Identifier: Apache-2.0
#include "shm/shared_mutex.h"

#include <cassert>
#include <cerrno>

#include "shm/thread_id.h"

namespace uwsgi {
SharedMutex::SharedMutex() {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutex_init(&mutex_, &attributes);
  ::pthread_mutexattr_destroy(&attributes);
}

SharedMutex::Taken SharedMutex::Lock() { return Note(::pthread_mutex_lock(&mutex_)); }

SharedMutex::Taken SharedMutex::TryLock() { return Note(::pthread_mutex_trylock(&mutex_)); }

SharedMutex::Taken SharedMutex::Note(int outcome) {
  if (outcome == EBUSY) return Taken::kNo;
  assert(outcome == 0 || outcome == EOWNERDEAD);
  if (outcome == EOWNERDEAD) ::pthread_mutex_consistent(&mutex_);
  owner_.store(OwnProcessId(), std::memory_order_relaxed);
  return outcome == EOWNERDEAD ? Taken::kOwnerDied : Taken::kYes;
}

void SharedMutex::Unlock() {
  owner_.store(0, std::memory_order_relaxed);
  ::pthread_mutex_unlock(&mutex_);
}

}  // namespace uwsgi
