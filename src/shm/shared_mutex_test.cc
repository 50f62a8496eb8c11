// SPDX-License-Identifier: Apache-2.0
#include "shm/shared_mutex.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "shm/region.h"
#include "testing/in_child.h"

namespace uwsgi {
namespace {

using Taken = SharedMutex::Taken;

struct SharedMutexTest : testing::Test {
  SharedRegion region = SharedRegion::Create(sizeof(SharedMutex)).value();
  SharedMutex& mutex = region.Carve<SharedMutex>().value()[0];
};

TEST_F(SharedMutexTest, KeepsOtherProcessesOut) {
  ASSERT_EQ(mutex.Lock(), Taken::kYes);
  EXPECT_EQ(mutex.owner(), ::getpid());
  EXPECT_EQ(InChild([&] { return mutex.TryLock() == Taken::kNo ? 0 : 1; }), 0);
  mutex.Unlock();
  EXPECT_EQ(mutex.owner(), 0);
  EXPECT_EQ(InChild([&] {
              const bool taken = mutex.TryLock() == Taken::kYes;
              mutex.Unlock();
              return taken ? 0 : 1;
            }),
            0);
}

TEST_F(SharedMutexTest, TellsTheNextOwnerOnceWhenTheLastOneWasKilled) {
  EXPECT_EQ(InChild([&] {
              mutex.Lock();
              ::raise(SIGKILL);
              return 0;
            }),
            -SIGKILL);
  EXPECT_EQ(mutex.Lock(), Taken::kOwnerDied);
  EXPECT_EQ(mutex.owner(), ::getpid());
  mutex.Unlock();
  EXPECT_EQ(mutex.TryLock(), Taken::kYes);
  mutex.Unlock();
}

TEST_F(SharedMutexTest, AWaiterGetsTheLockOfAnOwnerThatDies) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t owner = ::fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    mutex.Lock();
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const pid_t waiter = ::fork();
  ASSERT_GE(waiter, 0);
  if (waiter == 0) {
    const SharedLock lock(mutex);
    ::_exit(lock.owner_died() ? 0 : 1);
  }
  ASSERT_EQ(::kill(owner, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(waiter, &status, 0), waiter);
  // Should the owner die before the waiter waits, it hears of it all the same.
  EXPECT_EQ(status, 0);
  ASSERT_EQ(::waitpid(owner, nullptr, 0), owner);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(SharedMutexTest, SharedLockGivesItBack) {
  {
    const SharedLock lock(mutex);
    EXPECT_FALSE(lock.owner_died());
    EXPECT_EQ(mutex.owner(), ::getpid());
  }
  EXPECT_EQ(mutex.owner(), 0);
}

}  // namespace
}  // namespace uwsgi
