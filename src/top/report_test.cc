// SPDX-License-Identifier: Apache-2.0
#include "top/report.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace uwsgi::top {
namespace {

struct Reported {
  Reported() {
    WorkerStats worker{.id = 1, .pid = 8, .requests = 10, .status = "busy", .average_time = 1500};
    worker.cores = {{.id = 3, .in_request = true}};
    worker.cores[0].running = {.method = "GET", .uri = "/\"\x1b", .client = "::1", .start = 90};
    snapshot.workers = {worker};
    snapshot.caches = {{.name = "c", .hits = 1, .misses = 1}};
    history.Add(snapshot, 1'000'000);
    snapshot.workers[0].requests = 30;
    history.Add(snapshot, 3'000'000);
  }
  Snapshot snapshot{.version = "2", .pid = 7};
  History history;
};

TEST(Report, JsonHasTheComputedFields) {
  const Reported reported;
  const auto json = ParseJson(OnceJson(reported.snapshot, reported.history, "127.0.0.1:9091", 100));
  ASSERT_TRUE(json);
  EXPECT_DOUBLE_EQ((*json)["interval"].real(), 2);
  EXPECT_DOUBLE_EQ((*json)["rps"].real(), 10);
  EXPECT_EQ((*json)["busy_cores"].integer(), 1);
  const Json& worker = (*json)["workers"].items()[0];
  EXPECT_DOUBLE_EQ(worker["rps"].real(), 10);
  EXPECT_DOUBLE_EQ(worker["requests_percent"].real(), 100);
  EXPECT_DOUBLE_EQ(worker["average_ms"].real(), 1.5);
  const Json& running = worker["running"].items()[0];
  EXPECT_EQ(running["core"].integer(), 3);
  EXPECT_EQ(running["uri"].text(), "/\"\x1b");
  EXPECT_EQ(running["seconds"].integer(), 10);
  EXPECT_DOUBLE_EQ((*json)["caches"].items()[0]["hit_percent"].real(), 50);
}

TEST(Report, TheTableHasAllColumnsAndNoEscapes) {
  const Reported reported;
  const std::string table = OnceTable(reported.snapshot, reported.history, 100, Charset::kAscii);
  for (const char* title : {"WID", "%", "PID", "REQ", "RPS", "EXC", "SIG", "STATUS", "AVG", "RSS",
                            "VSZ", "TX", "ReSpwn", "HC", "RunT", "LastSpwn", "REQUEST"}) {
    EXPECT_NE(table.find(title), std::string::npos) << title;
  }
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
}

TEST(Report, AnEmperorHasVassals) {
  Snapshot emperor{.is_emperor = true, .monitors = "/v"};
  emperor.vassals = {{.id = "a.ini", .pid = 6, .loyal = true}};
  const auto json = ParseJson(OnceJson(emperor, History(), "@e", 100));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["vassals"].items()[0]["status"].text(), "loyal");
  EXPECT_FALSE(json->Has("workers"));
  EXPECT_NE(OnceTable(emperor, History(), 100, Charset::kAscii).find("a.ini"), std::string::npos);
}

}  // namespace
}  // namespace uwsgi::top
