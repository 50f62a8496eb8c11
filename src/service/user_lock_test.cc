// SPDX-License-Identifier: Apache-2.0
#include "service/user_lock.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "testing/in_child.h"

namespace uwsgi {
namespace {

struct UserLocksTest : testing::Test {
  static SharedSize Size() {
    SharedSize size;
    UserLocks::AddSize(size, {.count = 2});
    return size;
  }
  SharedRegion region = SharedRegion::Create(Size()).value();
  UserLocks locks = UserLocks::Create(region, {.count = 2}).value();
};

TEST_F(UserLocksTest, AreNumberedFromZeroUpToTheCount) {
  EXPECT_TRUE(locks.Has(0));
  EXPECT_TRUE(locks.Has(2));
  EXPECT_FALSE(locks.Has(3));
  EXPECT_FALSE(locks.Has(-1));
}

TEST_F(UserLocksTest, AreSeenByOtherProcesses) {
  EXPECT_FALSE(locks.IsLocked(1));
  locks.Lock(1);
  EXPECT_TRUE(locks.IsLocked(1));
  EXPECT_EQ(InChild([&] { return locks.IsLocked(1) && !locks.IsLocked(0) ? 0 : 1; }), 0);
  locks.Unlock(1);
  EXPECT_EQ(InChild([&] { return locks.IsLocked(1) ? 1 : 0; }), 0);
}

TEST_F(UserLocksTest, AreNotOpenedByOneWhoDoesNotHaveThem) {
  locks.Unlock(0);
  locks.Lock(0);
  std::thread([&] { locks.Unlock(0); }).join();
  EXPECT_EQ(InChild([&] {
              locks.Unlock(0);
              return 0;
            }),
            0);
  EXPECT_TRUE(locks.IsLocked(0));
  locks.Unlock(0);
}

TEST_F(UserLocksTest, AreFreeAfterTheirHolderDied) {
  const auto die_with_it = [&] {
    locks.Lock(1);
    ::raise(SIGKILL);
    return 0;
  };
  EXPECT_EQ(InChild(die_with_it), -SIGKILL);
  EXPECT_FALSE(locks.IsLocked(1));
  locks.Lock(1);  // asking has not taken it
  locks.Unlock(1);
  EXPECT_EQ(InChild(die_with_it), -SIGKILL);
  locks.Lock(1);
  EXPECT_TRUE(locks.IsLocked(1));
  locks.Unlock(1);
}

}  // namespace
}  // namespace uwsgi
