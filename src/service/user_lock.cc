// SPDX-License-Identifier: Apache-2.0
#include "service/user_lock.h"

#include "base/log.h"

namespace uwsgi {
namespace {

void NoteDeath(SharedMutex::Taken taken) {
  if (taken != SharedMutex::Taken::kOwnerDied) return;
  LogLine("[deadlock-detector] a process holding a robust mutex died. recovering...");
}

}  // namespace

void UserLocks::AddSize(SharedSize& size, const UserLocksSpec& spec) {
  size.Add<SharedState>(static_cast<size_t>(spec.count) + 1);
}

Result<UserLocks> UserLocks::Create(SharedRegion& region, const UserLocksSpec& spec) {
  return UserLocks(TRY(region.Carve<SharedState>(static_cast<size_t>(spec.count) + 1)));
}

void UserLocks::Lock(int number) {
  SharedState& lock = at(number);
  NoteDeath(lock.mutex.Lock());
  lock.holder.store(OwnThreadMark(), std::memory_order_relaxed);
}

void UserLocks::Unlock(int number) {
  SharedState& lock = at(number);
  if (lock.holder.load(std::memory_order_relaxed) != OwnThreadMark()) return;
  lock.holder.store(0, std::memory_order_relaxed);
  lock.mutex.Unlock();
}

bool UserLocks::IsLocked(int number) {
  SharedState& lock = at(number);
  // Trying a free lock would make it look taken to others who ask at the same time.
  if (lock.holder.load(std::memory_order_relaxed) == 0) return false;
  const SharedMutex::Taken taken = lock.mutex.TryLock();
  if (taken == SharedMutex::Taken::kNo) return true;
  NoteDeath(taken);
  lock.holder.store(0, std::memory_order_relaxed);
  lock.mutex.Unlock();
  return false;
}

}  // namespace uwsgi
