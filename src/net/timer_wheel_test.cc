// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace uwsgi {
namespace {

constexpr int64_t kTurn = TimerWheel::kTickMs * static_cast<int64_t>(TimerWheel::kSlots);

int CountExpired(TimerWheel& wheel, int64_t now_ms) {
  int count = 0;
  wheel.Expire(now_ms, [&](TimerNode&) { ++count; });
  return count;
}

TEST(TimerWheel, ExpiresNeverEarlyAndAtMostOneTickLate) {
  for (int64_t deadline = 1; deadline < 3000; deadline += 37) {
    TimerWheel wheel;
    TimerNode node;
    wheel.Schedule(node, deadline);
    EXPECT_EQ(CountExpired(wheel, deadline - 1), 0) << deadline;
    EXPECT_EQ(CountExpired(wheel, deadline + TimerWheel::kTickMs), 1) << deadline;
    EXPECT_FALSE(node.scheduled());
  }
}

TEST(TimerWheel, DeadlinesManyTurnsAwayWaitForTheirTurn) {
  TimerWheel wheel;
  TimerNode node;
  const int64_t deadline = 3 * kTurn + 500;
  wheel.Schedule(node, deadline);
  int expired = 0;
  for (int64_t now = 0; now < deadline; now += 100) expired += CountExpired(wheel, now);
  EXPECT_EQ(expired, 0);
  EXPECT_EQ(CountExpired(wheel, deadline + TimerWheel::kTickMs), 1);
}

TEST(TimerWheel, ALongPauseExpiresEverythingThatIsDueAndNothingElse) {
  TimerWheel wheel;
  std::vector<TimerNode> due(1000);
  for (size_t i = 0; i < due.size(); ++i) {
    wheel.Schedule(due[i], static_cast<int64_t>(i) * 200 + 1);
  }
  TimerNode later;
  wheel.Schedule(later, 10 * kTurn);
  EXPECT_EQ(CountExpired(wheel, 5 * kTurn), 1000);
  EXPECT_TRUE(later.scheduled());
  EXPECT_EQ(CountExpired(wheel, 10 * kTurn), 1);
}

TEST(TimerWheel, ADeadlineMovesBothWays) {
  TimerWheel wheel;
  TimerNode node;
  wheel.Schedule(node, 1000);
  wheel.Schedule(node, 5000);
  EXPECT_EQ(CountExpired(wheel, 2000), 0);
  wheel.Schedule(node, 3000);
  EXPECT_EQ(CountExpired(wheel, 3200), 1);
  EXPECT_EQ(CountExpired(wheel, 9000), 0);
}

TEST(TimerWheel, APassedDeadlineExpiresWithTheNextTick) {
  TimerWheel wheel;
  wheel.Expire(100000, [](TimerNode&) {});
  TimerNode node;
  wheel.Schedule(node, 5);
  EXPECT_EQ(CountExpired(wheel, 100000 + TimerWheel::kTickMs), 1);
}

TEST(TimerWheel, CancelledAndDestroyedNodesStaySilent) {
  TimerWheel wheel;
  TimerNode cancelled;
  auto destroyed = std::make_unique<TimerNode>();
  wheel.Schedule(cancelled, 1000);
  wheel.Schedule(*destroyed, 1000);
  wheel.Cancel(cancelled);
  wheel.Cancel(cancelled);
  destroyed.reset();
  EXPECT_TRUE(wheel.empty());
  EXPECT_EQ(CountExpired(wheel, 5000), 0);
}

TEST(TimerWheel, NodesOutliveTheWheel) {
  TimerNode node;
  {
    TimerWheel wheel;
    wheel.Schedule(node, 1000);
  }
  EXPECT_FALSE(node.scheduled());
}

TEST(TimerWheel, AnExpiringNodeMayRescheduleItselfAndDestroyItsNeighbours) {
  TimerWheel wheel;
  std::vector<std::unique_ptr<TimerNode>> nodes;
  for (int i = 0; i < 3; ++i) {
    nodes.push_back(std::make_unique<TimerNode>());
    wheel.Schedule(*nodes.back(), 1000);
  }
  int calls = 0;
  wheel.Expire(1100, [&](TimerNode& node) {
    ++calls;
    wheel.Schedule(node, 1000);  // passed: it must not be called again in this turn
    nodes[1].reset();
    nodes[2].reset();
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(CountExpired(wheel, 1100 + TimerWheel::kTickMs), 1);
}

TEST(TimerWheel, TellsHowLongToWait) {
  TimerWheel wheel;
  EXPECT_EQ(wheel.MillisUntilNext(0), -1);
  wheel.Expire(1'000'000, [](TimerNode&) {});
  TimerNode near;
  TimerNode far;
  wheel.Schedule(far, 1'000'000 + 30000);
  wheel.Schedule(near, 1'000'000 + 2000);
  const int wait = wheel.MillisUntilNext(1'000'000);
  EXPECT_GE(wait, 2000);
  EXPECT_LT(wait, 2000 + TimerWheel::kTickMs);
  EXPECT_EQ(CountExpired(wheel, 1'000'000 + wait), 1);
  wheel.Cancel(far);
  EXPECT_EQ(wheel.MillisUntilNext(1'000'000 + wait), -1);
}

TEST(TimerWheel, WaitingAsLongAsItSaysAlwaysReachesTheDeadline) {
  TimerWheel wheel;
  TimerNode node;
  const int64_t deadline = 7'000'000 + 4 * kTurn + 77;
  wheel.Schedule(node, deadline);
  int64_t now = 7'000'000;
  int turns = 0;
  while (node.scheduled()) {
    now += wheel.MillisUntilNext(now);
    wheel.Expire(now, [](TimerNode&) {});
    ASSERT_LT(++turns, 20);
  }
  EXPECT_GE(now, deadline);
  EXPECT_LT(now, deadline + TimerWheel::kTickMs);
}

}  // namespace
}  // namespace uwsgi
