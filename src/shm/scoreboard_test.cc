// SPDX-License-Identifier: Apache-2.0
#include "shm/scoreboard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace uwsgi {
namespace {

struct ScoreboardTest : testing::Test {
  static SharedSize SizeOf(int workers, int cores) {
    SharedSize size;
    Scoreboard::AddSize(size, workers, cores);
    return size;
  }
  SharedRegion region = SharedRegion::Create(SizeOf(3, 2)).value();
  Scoreboard scoreboard = Scoreboard::Create(region, 3, 2).value();
};

TEST_F(ScoreboardTest, HasASeatForEveryCoreOnLinesOfItsOwn) {
  EXPECT_EQ(scoreboard.workers(), 3);
  EXPECT_EQ(scoreboard.cores(), 2);
  std::set<uintptr_t> lines;
  for (int worker = 1; worker <= 3; ++worker) {
    EXPECT_EQ(scoreboard.worker(worker).state, WorkerState::kEmpty);
    for (int core = 0; core < 2; ++core) {
      const auto at = reinterpret_cast<uintptr_t>(&scoreboard.core(worker, core));
      EXPECT_EQ(at % 128, 0U);
      lines.insert(at);
    }
  }
  EXPECT_EQ(lines.size(), 6U);
}

TEST_F(ScoreboardTest, RefusesARegionThatIsTooSmall) {
  SharedRegion small = SharedRegion::Create(1).value();
  EXPECT_FALSE(Scoreboard::Create(small, 64, 64));
}

TEST_F(ScoreboardTest, ShowsWhatAWorkerProcessDoes) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    CoreSlot& core = scoreboard.core(2, 1);
    core.BeginRequest(1000, 7, "GET", "/path?query", "192.0.2.1");
    Bump(core.requests);
    Bump(core.exceptions, 3);
    scoreboard.worker(2).NoteResponse(158, 50);
    scoreboard.total_requests().fetch_add(1);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const WorkerSlot& worker = scoreboard.worker(2);
  EXPECT_EQ(worker.requests(), 1U);
  EXPECT_EQ(worker.Total(&CoreSlot::exceptions), 3U);
  EXPECT_EQ(worker.busy_cores(), 1);
  EXPECT_EQ(worker.totals->tx, 50U);
  EXPECT_EQ(worker.totals->running_time_us, 158U);
  EXPECT_EQ(worker.totals->avg_rt_us, 79U);
  EXPECT_EQ(scoreboard.total_requests(), 1U);
  const CoreSlot& core = scoreboard.core(2, 1);
  EXPECT_EQ(core.method.Get(), "GET");
  EXPECT_EQ(core.uri.Get(), "/path?query");
  EXPECT_EQ(core.remote.Get(), "192.0.2.1");
  EXPECT_EQ(core.request_started_us, 1000);
  EXPECT_EQ(scoreboard.worker(1).requests(), 0U);
}

TEST_F(ScoreboardTest, TheNextProcessOfASlotGoesOnCounting) {
  WorkerSlot& worker = scoreboard.worker(1);
  worker.NoteSpawn(1, 4711, 100);
  CoreSlot& core = scoreboard.core(1, 0);
  Bump(core.requests, 5);
  core.BeginRequest(1000, 7, "GET", "/", "");
  core.user_harakiri_deadline_us = 9;
  core.signal = 17;
  worker.accepting = true;
  worker.NoteSpawn(1, 0, 200);
  EXPECT_EQ(worker.state, WorkerState::kStarting);
  EXPECT_EQ(worker.totals->respawn_count, 2U);
  EXPECT_EQ(worker.last_spawn_s, 200);
  EXPECT_EQ(worker.pid, 0);
  EXPECT_EQ(worker.busy_cores(), 0) << "the request of the dead process is over";
  EXPECT_EQ(core.user_harakiri_deadline_us, 0);
  EXPECT_EQ(core.signal, -1);
  EXPECT_FALSE(worker.accepting);
  Bump(core.requests, 2);
  EXPECT_EQ(worker.requests(), 7U);
  EXPECT_EQ(worker.delta_requests(), 2U);
}

TEST_F(ScoreboardTest, AReplacementGoesOnCountingAndTheOldOneStillCounts) {
  WorkerSlot& before = scoreboard.worker(1);
  before.NoteSpawn(1, 10, 100);
  Bump(before.cores()[0].requests, 5);
  WorkerSlot& after = scoreboard.berth(1, 1);
  ASSERT_NE(&before, &after);
  after.NoteSpawn(1, 11, 200);
  EXPECT_EQ(&scoreboard.worker(1), &before) << "until the new process serves";
  scoreboard.MakeCurrent(1, 1);
  EXPECT_EQ(&scoreboard.worker(1), &after);
  EXPECT_EQ(scoreboard.worker(1).requests(), 5U);
  EXPECT_EQ(scoreboard.worker(1).delta_requests(), 0U);
  Bump(before.cores()[1].requests, 1);
  Bump(after.cores()[0].requests, 2);
  EXPECT_EQ(scoreboard.worker(1).requests(), 8U);
  EXPECT_EQ(scoreboard.worker(1).delta_requests(), 2U);
  EXPECT_EQ(after.totals->respawn_count, 2U);
  after.NoteResponse(10, 20);
  before.NoteResponse(10, 20);
  EXPECT_EQ(scoreboard.worker(1).totals->tx, 40U);
  EXPECT_EQ(scoreboard.worker(2).totals->tx, 0U);
}

TEST_F(ScoreboardTest, KeepsTheFiguresOfStatsOnlyWhenAsked) {
  EXPECT_FALSE(scoreboard.is_detailed());
  EXPECT_EQ(scoreboard.core(1, 0).vars, nullptr);
  EXPECT_TRUE(scoreboard.worker(1).apps().empty());
  SharedSize size;
  Scoreboard::AddSize(size, 2, 2, Detail::kStats);
  SharedRegion larger = SharedRegion::Create(size).value();
  const Scoreboard detailed = Scoreboard::Create(larger, 2, 2, Detail::kStats).value();
  EXPECT_TRUE(detailed.is_detailed());
  EXPECT_NE(detailed.core(2, 1).vars, detailed.core(2, 0).vars);
  EXPECT_EQ(detailed.worker(2).apps().size(), Scoreboard::kMostApps);
}

TEST_F(ScoreboardTest, CountsAnswersByTimeAndClass) {
  CoreSlot& core = scoreboard.core(1, 0);
  core.NoteAnswer(1000, 200);
  core.NoteAnswer(1001, 404);
  core.NoteAnswer(60'000'000, 0);
  core.NoteAnswer(1, 999);
  EXPECT_EQ(core.latency[0], 2U);
  EXPECT_EQ(core.latency[1], 1U);
  EXPECT_EQ(core.latency[kLatencyBuckets - 1], 1U);
  EXPECT_EQ(core.status_classes[2], 1U);
  EXPECT_EQ(core.status_classes[4], 1U);
  EXPECT_EQ(core.status_classes[0], 2U);
}

TEST(RequestVars, ReadWhatWasWrittenWhole) {
  RequestVars vars;
  EXPECT_EQ(vars.Get(), "");
  vars.Set(std::string_view("A=1\0BC=23\0", 10));
  EXPECT_EQ(vars.Get(), std::string_view("A=1\0BC=23\0", 10));
  const std::string longest(RequestVars::kCapacity, 'x');
  vars.Set(longest);
  EXPECT_EQ(vars.Get(), longest);
  vars.Set("");
  EXPECT_EQ(vars.Get(), "");
}

TEST(RequestVars, AreNeverAMixtureOfTwoRequests) {
  RequestVars vars;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int turn = 0; turn < 200'000; ++turn) {
      vars.Set(std::string(static_cast<size_t>(turn % 300), static_cast<char>('a' + turn % 26)));
    }
    done = true;
  });
  while (!done) {
    const auto text = vars.Get();
    if (!text || text->empty()) continue;
    ASSERT_EQ(text->find_first_not_of((*text)[0]), std::string::npos);
    ASSERT_EQ(text->size() % 2, static_cast<size_t>(((*text)[0] - 'a')) % 2);
  }
  writer.join();
}

TEST(SharedText, CutsWhatIsTooLongAndForgetsWhatWasThere) {
  SharedText<16> text;
  EXPECT_EQ(text.Get(), "");
  text.Set("0123456789abcdefXYZ");
  EXPECT_EQ(text.Get(), "0123456789abcdef");
  text.Set("short");
  EXPECT_EQ(text.Get(), "short");
  text.Set("");
  EXPECT_EQ(text.Get(), "");
}

TEST(Counters, AreNamedAsTheStatsNameThem) {
  std::set<std::string_view> names;
  for (const CounterRow& row : AllCounters()) names.insert(row.name);
  EXPECT_EQ(names, (std::set<std::string_view>{"requests", "static_requests", "routed_requests",
                                               "offloaded_requests", "write_errors", "read_errors",
                                               "exceptions"}));
}

TEST(WorkerState, HasPrintableNames) {
  EXPECT_EQ(NameOf(WorkerState::kStarting), "starting");
  EXPECT_EQ(NameOf(WorkerState::kGone), "gone");
}

}  // namespace
}  // namespace uwsgi
