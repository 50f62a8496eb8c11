// SPDX-License-Identifier: Apache-2.0
#include "worker/harakiri_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <semaphore>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/echo_runtime.h"

namespace uwsgi {
namespace {

// Remembers which requests were interrupted; `on_interrupt` says whether that ends them.
class Interrupted : public EchoRuntime {
 public:
  std::string DescribeThreads() override { return "the stacks\n"; }
  bool InterruptRequest(int core, int64_t started_us) override {
    const std::lock_guard lock(mutex_);
    cores_.push_back(core);
    started_us_.push_back(started_us);
    changed_.notify_all();
    return true;
  }
  void Await(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return cores_.size() >= count; });
  }
  std::vector<int> cores() {
    const std::lock_guard lock(mutex_);
    return cores_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> cores_;
  std::vector<int64_t> started_us_;
};

class HarakiriWatchTest : public testing::Test {
 protected:
  static SharedSize SizeOf() {
    SharedSize size;
    Scoreboard::AddSize(size, 1, 2);
    return size;
  }
  void SetUp() override {
    before_ = SetLogSink([](std::string_view) {});
  }
  void TearDown() override { SetLogSink(before_); }

  HarakiriWatch::Place PlaceOf(UniqueFunction<void()> on_given_up) {
    HarakiriWatch::Place place;
    place.slot = &scoreboard_.worker(1);
    place.runtime = &runtime_;
    place.on_given_up = std::move(on_given_up);
    return place;
  }
  void Begin(int core) {
    scoreboard_.core(1, core).BeginRequest(MonotonicMicros(), 1, "GET", "/slow", "192.0.2.1");
  }

  SharedRegion region_ = SharedRegion::Create(SizeOf()).value();
  Scoreboard scoreboard_ = Scoreboard::Create(region_, 1, 2).value();
  Interrupted runtime_;
  LogSink before_ = nullptr;
};

TEST_F(HarakiriWatchTest, InterruptsOnlyTheOverdueRequest) {
  HarakiriWatch watch({.limit_us = 3'600'000'000, .grace_us = 3'600'000'000}, PlaceOf({}));
  Begin(0);
  Begin(1);
  scoreboard_.core(1, 1).user_harakiri_deadline_us = MonotonicMicros();
  ASSERT_TRUE(watch.Start());
  runtime_.Await(1);
  EXPECT_EQ(runtime_.cores(), std::vector<int>{1});
  EXPECT_EQ(watch.given_up().requests, 0);
  EXPECT_EQ(scoreboard_.worker(1).totals->harakiri_count, 1U);
}

TEST_F(HarakiriWatchTest, GivesUpARequestThatGoesOn) {
  std::mutex mutex;
  std::condition_variable changed;
  bool given_up = false;
  HarakiriWatch watch({.limit_us = 1000, .grace_us = 1000}, PlaceOf([&] {
                        const std::lock_guard lock(mutex);
                        given_up = true;
                        changed.notify_all();
                      }));
  Begin(0);
  ASSERT_TRUE(watch.Start());
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return given_up; });
  EXPECT_EQ(watch.given_up().requests, 1);
}

// The watch has no reason to look again: there is no limit, and no other deadline.
TEST_F(HarakiriWatchTest, CountsARequestThatWasGivenUpOnlyWhileItRuns) {
  std::binary_semaphore given_up(0);
  HarakiriWatch watch({.grace_us = 1000}, PlaceOf([&] { given_up.release(); }));
  Begin(0);
  scoreboard_.core(1, 0).user_harakiri_deadline_us = MonotonicMicros();
  ASSERT_TRUE(watch.Start());
  given_up.acquire();
  EXPECT_EQ(watch.given_up().requests, 1);
  EXPECT_EQ(watch.given_up().handlers, 0);
  scoreboard_.core(1, 0).EndRequest();
  EXPECT_EQ(watch.given_up().requests, 0);
  Begin(0);
  EXPECT_EQ(watch.given_up().all(), 0);
}

TEST_F(HarakiriWatchTest, CountsAHandlerThatWasGivenUpApartFromRequests) {
  std::binary_semaphore given_up(0);
  HarakiriWatch watch({.grace_us = 1000}, PlaceOf([&] { given_up.release(); }));
  scoreboard_.core(1, 0).signal = 17;
  Begin(0);
  scoreboard_.core(1, 0).user_harakiri_deadline_us = MonotonicMicros();
  ASSERT_TRUE(watch.Start());
  given_up.acquire();
  EXPECT_EQ(watch.given_up().requests, 0);
  EXPECT_EQ(watch.given_up().handlers, 1);
}

TEST_F(HarakiriWatchTest, LooksAgainWhenTheApplicationSetsADeadline) {
  HarakiriWatch watch({.grace_us = 3'600'000'000}, PlaceOf({}));
  Begin(0);
  ASSERT_TRUE(watch.Start());
  scoreboard_.core(1, 0).user_harakiri_deadline_us = MonotonicMicros();
  watch.LookAgain();
  runtime_.Await(1);
  EXPECT_EQ(runtime_.cores(), std::vector<int>{0});
}

}  // namespace
}  // namespace uwsgi
