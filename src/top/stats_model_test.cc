// SPDX-License-Identifier: Apache-2.0
#include "top/stats_model.h"

#include <gtest/gtest.h>

namespace uwsgi::top {
namespace {

constexpr std::string_view kServer =
    R"({"version":"2.0.31","listen_queue":3,"pid":7,"uid":1,"gid":2,"cwd":"/srv",
"sockets":[{"name":"127.0.0.1:80","proto":"http","queue":3,"max_queue":100}],
"workers":[{"id":1,"pid":8,"accepting":1,"requests":5,"exceptions":1,"harakiri_count":2,"signals":3,"status":"busy","rss":1024,
"vsz":2048,"running_time":99,"last_spawn":1795328489,"respawn_count":4,"tx":50,"avg_rt":1500,"cores":[
{"id":0,"requests":5,"in_request":1,"vars":["REQUEST_METHOD=GET","REQUEST_URI=/a?b=c","REMOTE_ADDR=127.0.0.1",""],
"req_info":{"request_start":1795328490}},{"id":1,"requests":0,"in_request":0,"vars":[],"req_info":{}}]}],
"spoolers":[{"dir":"/sp","pid":9,"tasks":12,"running":1}],
"caches":[{"name":"c","max_items":10,"items":4,"hits":3,"miss":1,"full":2}]})";

TEST(StatsModel, ReadsAServer) {
  const auto snapshot = ParseSnapshot(kServer);
  ASSERT_TRUE(snapshot) << snapshot.error().text();
  EXPECT_EQ(snapshot->listen_queue, 3);
  EXPECT_FALSE(snapshot->is_emperor);
  ASSERT_EQ(snapshot->workers.size(), 1U);
  const WorkerStats& worker = snapshot->workers[0];
  EXPECT_EQ(worker.status, "busy");
  EXPECT_EQ(worker.harakiris, 2);
  EXPECT_EQ(worker.respawns, 4);
  EXPECT_EQ(worker.average_time, 1500);
  ASSERT_EQ(worker.cores.size(), 2U);
  EXPECT_EQ(worker.cores[0].running.method, "GET");
  EXPECT_EQ(worker.cores[0].running.uri, "/a?b=c");
  EXPECT_EQ(worker.cores[0].running.start, 1795328490);
  EXPECT_FALSE(worker.cores[1].in_request);
  EXPECT_EQ(snapshot->sockets[0].queue_limit, 100);
  EXPECT_EQ(snapshot->spoolers[0].tasks, 12);
  EXPECT_EQ(snapshot->caches[0].misses, 1);
}

TEST(StatsModel, ReadsCronsDaemonsAndWhatWaits) {
  const auto snapshot = ParseSnapshot(
      R"({"workers":[{"id":1,"pid":0,"rss":9,"vsz":9}],"spoolers":[{"dir":"/sp","waiting":4}],
"crons":[{"command":"a","pid":-1},{"command":"b","pid":7}],"daemons":[{"cmd":"c","pid":8},{"cmd":"d","pid":0}]})");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->workers[0].rss, 0) << "of a process that is gone";
  EXPECT_EQ(snapshot->spoolers[0].waiting, 4);
  ASSERT_EQ(snapshot->crons.size(), 2U);
  EXPECT_FALSE(snapshot->crons[0].running);
  EXPECT_TRUE(snapshot->crons[1].running);
  ASSERT_EQ(snapshot->daemons.size(), 2U);
  EXPECT_TRUE(snapshot->daemons[0].running);
  EXPECT_FALSE(snapshot->daemons[1].running);
}

TEST(StatsModel, AddsUp) {
  const Totals totals = TotalsOf(*ParseSnapshot(kServer));
  EXPECT_EQ(totals.requests, 5);
  EXPECT_EQ(totals.busy_workers, 1);
  EXPECT_EQ(totals.cores, 2);
  EXPECT_EQ(totals.busy_cores, 1);
}

TEST(StatsModel, ReadsAnEmperor) {
  const auto snapshot = ParseSnapshot(
      R"({"version":"2","emperor":["/etc/vassals","/b"],"emperor_tyrant":1,"vassals":[{"id":"a.ini","pid":5,"ready":1,
      "accepting":1,"loyal":0,"respawns":2,"on_demand":""},{"id":"b.ini","pid":0,"cursed":1}],
      "blacklist":[{"id":"b.ini","throttle_level":3000,"attempt":3}]})");
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->is_emperor);
  EXPECT_TRUE(snapshot->is_tyrant);
  EXPECT_EQ(snapshot->monitors, "/etc/vassals /b");
  ASSERT_EQ(snapshot->vassals.size(), 2U);
  EXPECT_EQ(StatusOf(snapshot->vassals[0]), "accepting");
  EXPECT_EQ(StatusOf(snapshot->vassals[1]), "cursed");
  EXPECT_EQ(snapshot->blacklist[0].attempts, 3);
}

TEST(StatsModel, TakesWrongTypesAsNothing) {
  const auto snapshot = ParseSnapshot(
      R"({"version":7,"workers":[1,"x",null,{"id":"one","requests":[],"status":{},"cores":{"a":1},"rss":-5,"tx":1e300}],
      "sockets":"none","caches":{"a":[]},"spoolers":[[]]})");
  ASSERT_TRUE(snapshot);
  ASSERT_EQ(snapshot->workers.size(), 1U);
  EXPECT_EQ(snapshot->workers[0].id, 0);
  EXPECT_EQ(snapshot->workers[0].rss, 0);
  EXPECT_EQ(snapshot->workers[0].tx, int64_t{1} << 50);
  EXPECT_TRUE(snapshot->workers[0].status.empty());
  EXPECT_TRUE(snapshot->version.empty());
}

TEST(StatsModel, RefusesWhatIsNoDocument) {
  EXPECT_FALSE(ParseSnapshot(""));
  EXPECT_FALSE(ParseSnapshot("<html>"));
  EXPECT_FALSE(ParseSnapshot("[]"));
  EXPECT_FALSE(ParseSnapshot(std::string(1 << 20, '[')));
}

TEST(StatsModel, RefusesListsNobodyCouldLookAt) {
  std::string document = R"({"workers":[{})";
  for (int i = 0; i < 4096; ++i) document += ",{}";
  const auto snapshot = ParseSnapshot(document + "]}");
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().message, "4097 workers are more than anybody runs");
}

}  // namespace
}  // namespace uwsgi::top
