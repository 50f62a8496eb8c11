// SPDX-License-Identifier: Apache-2.0
#include "shm/thread_id.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "testing/in_child.h"

namespace uwsgi {
namespace {

TEST(ThreadMark, StaysAndHoldsTheNumber) {
  const uint64_t mark = OwnThreadMark();
  EXPECT_EQ(OwnThreadMark(), mark);
  EXPECT_EQ(ThreadIdOf(mark), ::gettid());
  EXPECT_EQ(ThreadIdOf(0), 0);
}

TEST(ThreadMark, IsAnotherInEachThreadAndProcess) {
  const uint64_t mark = OwnThreadMark();
  uint64_t others = 0;
  std::thread([&] { others = OwnThreadMark(); }).join();
  EXPECT_NE(others, mark);
  EXPECT_EQ(InChild([&] {
              return OwnThreadMark() != mark && ThreadIdOf(OwnThreadMark()) == ::getpid() ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace uwsgi
