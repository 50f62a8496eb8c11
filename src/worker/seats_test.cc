// SPDX-License-Identifier: Apache-2.0
#include "worker/seats.h"

#include <gtest/gtest.h>

#include <future>

namespace uwsgi {
namespace {

using Kind = Assignment::Kind;

struct SeatsTest : testing::Test {
  std::future<Assignment> Sit(int core) {
    return std::async(std::launch::async, [this, core] { return seats.WaitForAssignment(core); });
  }
  void AwaitIdleCore() const {
    while (!seats.has_idle_core()) std::this_thread::yield();
  }
  // Nobody looks into a connection here.
  Connection* Named(int name) { return reinterpret_cast<Connection*>(&names[name]); }

  alignas(64) char names[8] = {};
  std::atomic<int> pokes{0};
  Seats seats{3, [this] { ++pokes; }};
};

TEST_F(SeatsTest, NobodyTakesTheLeadWhenNoCoreIsIdle) {
  EXPECT_FALSE(seats.OfferLeadToIdleCore());
  EXPECT_FALSE(seats.has_idle_core());
}

TEST_F(SeatsTest, AnIdleCoreIsGivenTheLeadOnce) {
  auto core = Sit(1);
  AwaitIdleCore();
  EXPECT_TRUE(seats.OfferLeadToIdleCore());
  EXPECT_FALSE(seats.OfferLeadToIdleCore());
  EXPECT_EQ(core.get().kind, Kind::kLead);
}

TEST_F(SeatsTest, AWaitingCoreIsGivenARequest) {
  auto core = Sit(2);
  AwaitIdleCore();
  seats.PushWork({.connection = Named(0)});
  const Assignment assignment = core.get();
  EXPECT_EQ(assignment.kind, Kind::kWork);
  EXPECT_EQ(assignment.work.connection, Named(0));
  EXPECT_FALSE(seats.has_work());
}

TEST_F(SeatsTest, RequestsLeaveInTheirOrder) {
  seats.PushWork({.connection = Named(0)});
  seats.PushWork({.connection = Named(1)});
  EXPECT_EQ(seats.work_count(), 2U);
  EXPECT_EQ(seats.WaitForAssignment(0).work.connection, Named(0));
  EXPECT_EQ(seats.PopWork().connection, Named(1));
  EXPECT_FALSE(seats.PopWork());
}

TEST_F(SeatsTest, ACoreThatComesFreeAsksTheWatcherForTheLead) {
  seats.WatcherDrives();
  EXPECT_FALSE(seats.lead_wanted());
  auto core = Sit(0);
  AwaitIdleCore();
  EXPECT_TRUE(seats.lead_wanted());
  EXPECT_EQ(pokes, 1);
  EXPECT_TRUE(seats.WatcherPassesLead());
  EXPECT_EQ(core.get().kind, Kind::kLead);
  EXPECT_FALSE(seats.lead_wanted());
}

TEST_F(SeatsTest, ACoreThatSatDownJustBeforeTheWatcherDrivesGetsTheLead) {
  auto core = Sit(0);
  AwaitIdleCore();
  seats.WatcherDrives();
  EXPECT_TRUE(seats.lead_wanted());
  EXPECT_TRUE(seats.WatcherPassesLead());
  EXPECT_EQ(core.get().kind, Kind::kLead);
}

TEST_F(SeatsTest, ACoreThatTookARequestMeanwhileAsksAgain) {
  seats.WatcherDrives();
  auto core = Sit(0);
  AwaitIdleCore();
  seats.PushWork({.connection = Named(0)});
  EXPECT_FALSE(seats.WatcherPassesLead());
  EXPECT_EQ(core.get().kind, Kind::kWork);
  core = Sit(0);
  AwaitIdleCore();
  EXPECT_TRUE(seats.lead_wanted());
  EXPECT_EQ(pokes, 2);
  EXPECT_TRUE(seats.WatcherPassesLead());
  EXPECT_EQ(core.get().kind, Kind::kLead);
}

TEST_F(SeatsTest, TheWatcherDoesNotSleepOverACallThatCameBefore) {
  seats.WakeWatcher();
  seats.WatcherSleeps(-1);
}

TEST_F(SeatsTest, ACallDoesNotShortenAShortSleep) {
  seats.WakeWatcher();
  const auto before = std::chrono::steady_clock::now();
  seats.WatcherSleeps(1000);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::microseconds(1000));
}

TEST_F(SeatsTest, TheEndReachesEverybody) {
  auto first = Sit(0);
  auto second = Sit(1);
  auto watcher = std::async(std::launch::async, [this] { seats.WatcherSleeps(-1); });
  AwaitIdleCore();
  seats.End();
  EXPECT_EQ(first.get().kind, Kind::kEnd);
  EXPECT_EQ(second.get().kind, Kind::kEnd);
  watcher.get();
  seats.WatcherSleeps(-1);
  EXPECT_EQ(seats.WaitForAssignment(2).kind, Kind::kEnd);
}

}  // namespace
}  // namespace uwsgi
