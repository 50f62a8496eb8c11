// SPDX-License-Identifier: Apache-2.0
#include "worker/harakiri.h"

#include <gtest/gtest.h>

#include <optional>

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

class HarakiriTest : public testing::Test {
 protected:
  void SetUp() override {
    SharedSize size;
    Scoreboard::AddSize(size, 1, 2);
    auto region = SharedRegion::Create(size);
    ASSERT_TRUE(region);
    region_.emplace(std::move(*region));
    auto scoreboard = Scoreboard::Create(*region_, 1, 2);
    ASSERT_TRUE(scoreboard);
    scoreboard_ = *scoreboard;
  }

  WorkerSlot& worker() { return scoreboard_->worker(1); }
  CoreSlot& core(int id) { return scoreboard_->core(1, id); }

  std::optional<SharedRegion> region_;
  std::optional<Scoreboard> scoreboard_;
};

TEST_F(HarakiriTest, AnIdleCoreIsNeverOverdue) { EXPECT_EQ(DueTime(core(0), kSecond), 0); }

TEST_F(HarakiriTest, ARequestIsDueWhenTheLimitHasPassed) {
  core(1).BeginRequest(10 * kSecond, 1700000000, "GET", "/slow", "127.0.0.1");
  EXPECT_EQ(DueTime(core(1), 5 * kSecond), 15 * kSecond);
  EXPECT_EQ(DueTime(core(1), 0), 0) << "without a limit it never is";
}

TEST_F(HarakiriTest, TheEarlierOfTheLimitAndTheApplicationsOwnDeadlineCounts) {
  core(0).BeginRequest(10 * kSecond, 1700000000, "GET", "/slow", "127.0.0.1");
  core(0).user_harakiri_deadline_us = 12 * kSecond;
  EXPECT_EQ(DueTime(core(0), 0), 12 * kSecond);
  EXPECT_EQ(DueTime(core(0), 1 * kSecond), 11 * kSecond);
  EXPECT_EQ(DueTime(core(0), 5 * kSecond), 12 * kSecond);
}

TEST_F(HarakiriTest, ADeadlineEndsWithItsRequest) {
  core(0).BeginRequest(10 * kSecond, 1700000000, "GET", "/slow", "127.0.0.1");
  core(0).user_harakiri_deadline_us = 12 * kSecond;
  core(0).EndRequest();
  EXPECT_EQ(DueTime(core(0), kSecond), 0);
}

TEST_F(HarakiriTest, TheLinesNameTheWorkerAndItsBusyCores) {
  core(1).BeginRequest(10 * kSecond, 1700000000, "GET", "/slow?x=1", "192.0.2.7");
  const std::vector<std::string> expected = {
      "*** HARAKIRI ON WORKER 3 (pid: 4242, try: 2) ***",
      "HARAKIRI !!! worker 3 status !!!",
      "HARAKIRI [core 1] 192.0.2.7 - GET /slow?x=1 since 1700000000",
      "HARAKIRI !!! end of worker 3 status !!!",
  };
  EXPECT_EQ(DescribeHarakiri(worker(), 3, 4242, 2, /*verbose=*/false), expected);
}

}  // namespace
}  // namespace uwsgi
