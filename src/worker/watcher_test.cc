// SPDX-License-Identifier: Apache-2.0
#include "worker/watcher.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

int64_t AfterLooks(WatchPace& pace, int looks) {
  int64_t sleep = 0;
  for (int i = 0; i < looks; ++i) sleep = pace.NextSleepUs();
  return sleep;
}

TEST(WatchPaceTest, LooksGrowRarerWhileRequestsAreQuick) {
  WatchPace pace;
  EXPECT_EQ(pace.NextSleepUs(), WatchPace::kShortestUs);
  int64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const int64_t sleep = pace.NextSleepUs();
    EXPECT_GE(sleep, last);
    EXPECT_LE(sleep, WatchPace::kLongestUs);
    last = sleep;
  }
  EXPECT_EQ(last, WatchPace::kLongestUs);
}

TEST(WatchPaceTest, ASlowRequestBringsThemBackForAWhile) {
  WatchPace pace;
  AfterLooks(pace, 1000);
  pace.SawSlowRequest();
  EXPECT_EQ(AfterLooks(pace, 900), WatchPace::kShortestUs);
  EXPECT_EQ(AfterLooks(pace, 1000), WatchPace::kLongestUs);
}

TEST(HungerTest, IsOfOneThatWouldRunAndHasNot) {
  const ThreadView me = ThreadView::OfCaller();
  Hunger hunger;
  hunger.See(1, me);
  EXPECT_TRUE(hunger.IsHungry(me));
  EXPECT_FALSE(hunger.IsHungry(ThreadView())) << "waits for something else";
}

TEST(HungerTest, EndsWithEnoughOfAProcessor) {
  const ThreadView me = ThreadView::OfCaller();
  Hunger hunger;
  hunger.See(1, me);
  const int64_t began = me.CpuMicros();
  while (me.CpuMicros() - began < Hunger::kEnoughUs) {
  }
  hunger.See(1, me);
  EXPECT_FALSE(hunger.IsHungry(me)) << "the same entry counts from its first look";
  hunger.See(3, me);
  EXPECT_TRUE(hunger.IsHungry(me));
}

}  // namespace
}  // namespace uwsgi
