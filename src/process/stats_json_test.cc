// SPDX-License-Identifier: Apache-2.0
#include "process/stats_json.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "process/end_reason.h"
#include "process/prometheus.h"
#include "process/readiness.h"
#include "process/stats_view.h"
#include "request/close_reason.h"

namespace uwsgi {
namespace {

struct StatsTest : testing::Test {
  StatsTest() {
    view.scoreboard = &scoreboard;
    view.pid = 42;
    view.cwd = "/srv/\"app\"";
    view.started_on = 1000;
    view.sockets = {{.name = "127.0.0.1:8000", .protocol = "http", .queue = 4, .max_queue = 100},
                    {.name = "/run/a.sock", .protocol = "uwsgi"}};
    view.locks = {{"user 0", 7}, {"signal", 0}};
    scoreboard.worker(1).NoteSpawn(1, 4711, 500);
    scoreboard.worker(1).state = WorkerState::kAccepting;
  }

  static SharedSize SizeOf(int workers, int cores) {
    SharedSize size;
    Scoreboard::AddSize(size, workers, cores, Detail::kStats);
    return size;
  }
  [[nodiscard]] Json Parsed() const {
    return ParseJson(WriteStatsJson(view, JsonStyle::kMinified)).value();
  }

  SharedRegion region = SharedRegion::Create(SizeOf(2, 2)).value();
  Scoreboard scoreboard = Scoreboard::Create(region, 2, 2, Detail::kStats).value();
  StatsView view;
};

TEST_F(StatsTest, AWorkerWithoutAProcessHasNoMemory) {
  WorkerSlot& slot = scoreboard.worker(1);
  slot.pid = ::getpid();
  MeasureMemory(scoreboard);
  EXPECT_GT(slot.rss.load(), 0U);
  EXPECT_GT(slot.vsz.load(), 0U);
  slot.pid = 0;
  MeasureMemory(scoreboard);
  EXPECT_EQ(slot.rss.load(), 0U);
  EXPECT_EQ(slot.vsz.load(), 0U);
}

std::vector<std::string> KeysOf(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.members()) keys.push_back(key);
  return keys;
}

TEST_F(StatsTest, HaveTheKeysOfThePredecessorInItsOrder) {
  view.daemons = {{.command = "sleep 5", .pid = 8, .respawns = 2}};
  view.caches = {{.name = "default", .hash = "djb33x"}};
  view.spoolers = {{.directory = "/spool", .pid = 9, .tasks = 3, .is_running = true}};
  view.crons = {{.minute = -5, .command = "true"}};
  const std::vector<std::string> ours = {"started_on", "ready",     "closed",        "worker_ends",
                                         "reloads",    "responses", "response_times"};
  std::vector<std::string> expected = {"version",      "listen_queue", "listen_queue_errors",
                                       "signal_queue", "load",         "pid",
                                       "uid",          "gid",          "cwd",
                                       "daemons",      "locks",        "caches",
                                       "sockets",      "workers",      "spoolers",
                                       "crons"};
  expected.insert(expected.end(), ours.begin(), ours.end());
  const Json json = Parsed();
  EXPECT_EQ(KeysOf(json), expected);
  EXPECT_EQ(KeysOf(json["workers"].items()[0]),
            (std::vector<std::string>{"id", "pid", "accepting", "requests", "delta_requests",
                                      "exceptions", "harakiri_count", "signals", "signal_queue",
                                      "status", "rss", "vsz", "running_time", "last_spawn",
                                      "respawn_count", "tx", "avg_rt", "apps", "cores"}));
  EXPECT_EQ(KeysOf(json["workers"].items()[0]["cores"].items()[0]),
            (std::vector<std::string>{"id", "requests", "static_requests", "routed_requests",
                                      "offloaded_requests", "write_errors", "read_errors",
                                      "in_request", "vars", "req_info"}));
}

TEST_F(StatsTest, AreValidWhateverNamesOthersChose) {
  EXPECT_EQ(Parsed()["cwd"].text(), "/srv/\"app\"");
  EXPECT_EQ(Parsed()["locks"].items()[0]["user 0"].integer(), 7);
}

TEST_F(StatsTest, TheFullestQueueIsTheLoad) {
  EXPECT_EQ(Parsed()["load"].integer(), 4);
  EXPECT_EQ(Parsed()["listen_queue"].integer(), 4);
}

TEST_F(StatsTest, ShowTheVariablesOfARunningRequest) {
  CoreSlot& core = scoreboard.core(1, 1);
  core.vars->Set(std::string_view("A=1\0B=\"2\"\0", 10));
  EXPECT_TRUE(Parsed()["workers"].items()[0]["cores"].items()[1]["vars"].items().empty());
  core.BeginRequest(1, 99, "GET", "/", "");
  const Json busy = Parsed()["workers"].items()[0];
  EXPECT_EQ(busy["status"].text(), "busy");
  const Json& seat = busy["cores"].items()[1];
  ASSERT_EQ(seat["vars"].items().size(), 3U) << "with an empty text at the end";
  EXPECT_EQ(seat["vars"].items()[1].text(), "B=\"2\"");
  EXPECT_EQ(seat["vars"].items()[2].text(), "");
  EXPECT_EQ(seat["req_info"]["request_start"].integer(), 99);
  EXPECT_EQ(seat["in_request"].integer(), 1);
}

TEST_F(StatsTest, AWorkerThatIsNotThereIsCheapAndHasNoId) {
  const Json cheap = Parsed()["workers"].items()[1];
  EXPECT_EQ(cheap["id"].integer(), 0);
  EXPECT_EQ(cheap["status"].text(), "cheap");
  EXPECT_EQ(Parsed()["workers"].items()[0]["status"].text(), "idle");
}

TEST_F(StatsTest, LeaveOutWhatIsNotWanted) {
  view.with_cores = false;
  EXPECT_FALSE(Parsed()["workers"].items()[0].Has("cores"));
  EXPECT_FALSE(Parsed().Has("metrics"));
}

TEST_F(StatsTest, CountReasonsOverAllWorkers) {
  scoreboard.worker(1).totals->closed[static_cast<size_t>(CloseReason::kHeadTimeout)] = 2;
  scoreboard.worker(2).totals->closed[static_cast<size_t>(CloseReason::kHeadTimeout)] = 3;
  scoreboard.worker(2).totals->ends[static_cast<size_t>(EndReason::kHarakiri)] = 1;
  const Json json = Parsed();
  EXPECT_EQ(json["closed"]["head-timeout"].integer(), 5);
  EXPECT_EQ(json["worker_ends"]["harakiri"].integer(), 1);
  EXPECT_FALSE(json["closed"].Has("none"));
}

TEST_F(StatsTest, CountAnswersOfBothBerths) {
  scoreboard.berth(1, 0).cores()[0].NoteAnswer(10, 200);
  scoreboard.berth(1, 1).cores()[0].NoteAnswer(2000, 503);
  const Json json = Parsed();
  EXPECT_EQ(json["responses"].items()[2].integer(), 1);
  EXPECT_EQ(json["responses"].items()[5].integer(), 1);
  EXPECT_EQ(json["response_times"]["counts"].items()[0].integer(), 1);
  EXPECT_EQ(json["response_times"]["counts"].items()[1].integer(), 1);
  EXPECT_EQ(json["response_times"]["bounds"].items().size() + 1,
            json["response_times"]["counts"].items().size());
}

TEST_F(StatsTest, PrometheusHistogramsAddUp) {
  scoreboard.core(1, 0).NoteAnswer(10, 200);
  scoreboard.core(1, 0).NoteAnswer(4000, 200);
  scoreboard.core(1, 0).NoteAnswer(60'000'000, 200);
  const std::string text = WritePrometheus(view);
  EXPECT_NE(text.find("uwsgi_request_duration_seconds_bucket{le=\"0.001\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("uwsgi_request_duration_seconds_bucket{le=\"0.005\"} 2\n"),
            std::string::npos);
  EXPECT_NE(text.find("uwsgi_request_duration_seconds_bucket{le=\"+Inf\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("uwsgi_worker_idle{worker_id=\"1\"} 1\n"), std::string::npos);
}

TEST_F(StatsTest, ReadyMeansThatARequestWouldFindAFreeCore) {
  ReadinessFacts facts{.scoreboard = &scoreboard, .now_us = 100, .busy_threshold_us = 50};
  EXPECT_EQ(WhyNotReady(facts), "");
  for (CoreSlot& core : scoreboard.worker(1).cores()) core.request_started_us = 60;
  EXPECT_EQ(WhyNotReady(facts), "") << "busy, but not for long";
  facts.now_us = 111;
  EXPECT_NE(WhyNotReady(facts), "");
  facts.busy_threshold_us = 0;
  EXPECT_EQ(WhyNotReady(facts), "");
  scoreboard.worker(1).state = WorkerState::kDraining;
  EXPECT_NE(WhyNotReady(facts), "");
  facts.has_predecessors = true;
  EXPECT_EQ(WhyNotReady(facts), "");
  facts.is_stopping = true;
  EXPECT_NE(WhyNotReady(facts), "");
}

TEST(EndReason, IsFoundInWhatTheChildWas) {
  EXPECT_EQ(ReasonOf({.state = ChildState::kServing, .event = ChildEvent::kEndedWell}),
            EndReason::kRecycled);
  EXPECT_EQ(ReasonOf({.state = ChildState::kServing, .by_signal = true}), EndReason::kSignal);
  EXPECT_EQ(ReasonOf({.state = ChildState::kServing}), EndReason::kExit);
  EXPECT_EQ(ReasonOf({.state = ChildState::kDoomed, .by_signal = true}), EndReason::kNoMercy);
  EXPECT_EQ(ReasonOf({.state = ChildState::kOverdue, .by_signal = true, .was_overdue = true}),
            EndReason::kHarakiri);
  EXPECT_EQ(ReasonOf({.state = ChildState::kDraining}), EndReason::kReloaded);
  EXPECT_EQ(ReasonOf({.state = ChildState::kDraining, .is_stopping = true}), EndReason::kStopped);
  EXPECT_EQ(ReasonOf({.state = ChildState::kStarting, .event = ChildEvent::kFailedToLoad}),
            EndReason::kFailedToLoad);
}

}  // namespace
}  // namespace uwsgi
