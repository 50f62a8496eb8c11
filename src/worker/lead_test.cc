// SPDX-License-Identifier: Apache-2.0
#include "worker/lead.h"

#include <gtest/gtest.h>

#include <thread>

namespace uwsgi {
namespace {

TEST(Lead, StaysWithALeaderThatComesBack) {
  Lead lead;
  const Lead::Entry entry = lead.EnterApp();
  EXPECT_TRUE(Lead::IsInApp(lead.Look()));
  EXPECT_TRUE(lead.LeaveApp(entry));
  EXPECT_FALSE(Lead::IsInApp(lead.Look()));
}

TEST(Lead, IsLostByALeaderThatStaysInside) {
  Lead lead;
  const Lead::Entry entry = lead.EnterApp();
  EXPECT_TRUE(lead.Take(lead.Look()));
  EXPECT_FALSE(Lead::IsInApp(lead.Look()));
  EXPECT_FALSE(lead.LeaveApp(entry));
}

TEST(Lead, CannotBeTakenForAnEarlierEntry) {
  Lead lead;
  const Lead::Entry first = lead.EnterApp();
  ASSERT_TRUE(lead.LeaveApp(first));
  const Lead::Entry second = lead.EnterApp();
  EXPECT_NE(first, second);
  EXPECT_FALSE(lead.Take(first));
  EXPECT_TRUE(lead.LeaveApp(second));
}

TEST(Lead, AnEntryAfterATakeIsNoEarlierOne) {
  Lead lead;
  const Lead::Entry first = lead.EnterApp();
  ASSERT_TRUE(lead.Take(first));
  const Lead::Entry second = lead.EnterApp();
  EXPECT_FALSE(lead.LeaveApp(first));
  EXPECT_TRUE(lead.LeaveApp(second));
}

// Two threads take the lead from each other; what belongs to it is a plain number, so that a moment
// with two leaders shows as a wrong sum (and as a race under a sanitizer).
TEST(Lead, HasOneHolderAtEachMoment) {
  Lead lead;
  int64_t of_the_leader = 0;
  std::atomic<int64_t> expected{0};
  std::atomic<bool> watcher_is_over{false};
  constexpr int kRounds = 20'000;
  std::thread watcher([&] {
    int64_t done = 0;
    for (int i = 0; i < kRounds; ++i) {
      const Lead::Entry seen = lead.Look();
      if (!Lead::IsInApp(seen) || !lead.Take(seen)) continue;
      ++of_the_leader;
      ++done;
      const Lead::Entry entry = lead.EnterApp();  // and gives it up again: the other side takes it
      static_cast<void>(entry);
    }
    expected += done;
    watcher_is_over = true;
  });
  int64_t done = 0;
  Lead::Entry entry = lead.EnterApp();
  for (bool leads = true; !watcher_is_over || leads;) {
    if (leads) leads = lead.LeaveApp(entry);
    if (!leads) {
      const Lead::Entry seen = lead.Look();
      leads = Lead::IsInApp(seen) && lead.Take(seen);
      if (!leads) continue;
    }
    ++of_the_leader;
    ++done;
    if (watcher_is_over) break;
    entry = lead.EnterApp();
  }
  watcher.join();
  EXPECT_EQ(of_the_leader, done + expected);
}

}  // namespace
}  // namespace uwsgi
