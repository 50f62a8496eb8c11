// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <limits>

#include "base/file.h"
#include "service/builtin_metrics.h"
#include "service/metric_files.h"
#include "testing/in_child.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

MetricSpec Named(std::string name, int64_t initial_value = 0) {
  MetricSpec spec;
  spec.name = std::move(name);
  spec.initial_value = initial_value;
  return spec;
}

MetricSpec Collecting(std::string name, MetricCollector collector,
                      std::vector<std::string> children, int64_t number = 0) {
  MetricSpec spec = Named(std::move(name));
  spec.collector = collector;
  spec.children = std::move(children);
  spec.number = number;
  return spec;
}

struct MetricsTest : testing::Test {
  Result<Metrics> Make(std::vector<MetricSpec> specs) {
    SharedSize size;
    Metrics::AddSize(size, specs.size());
    region.emplace(SharedRegion::Create(size).value());
    return Metrics::Create(*region, std::move(specs));
  }
  std::optional<SharedRegion> region;
};

TEST_F(MetricsTest, DoTheArithmeticOfApplications) {
  Metrics metrics = Make({Named("a"), Named("b", 5)}).value();
  EXPECT_TRUE(metrics.Set("a", 10));
  EXPECT_TRUE(metrics.Add("a", 5));
  EXPECT_TRUE(metrics.Multiply("a", 4));
  EXPECT_TRUE(metrics.Divide("a", 7));
  EXPECT_EQ(metrics.Get("a"), 8);
  EXPECT_FALSE(metrics.Divide("a", 0));
  EXPECT_TRUE(metrics.RaiseTo("a", 3));
  EXPECT_EQ(metrics.Get("a"), 8);
  EXPECT_TRUE(metrics.RaiseTo("a", 30));
  EXPECT_TRUE(metrics.LowerTo("a", 20));
  EXPECT_EQ(metrics.Get("a"), 20);
  EXPECT_EQ(metrics.Get("b"), 5);
  EXPECT_TRUE(metrics.LowerTo("b", 4)) << "not below the initial value";
  EXPECT_EQ(metrics.Get("b"), 5);
  EXPECT_EQ(metrics.Get("unknown"), 0);
  EXPECT_FALSE(metrics.Add("unknown", 1));
}

TEST_F(MetricsTest, WrapAroundInsteadOfBreaking) {
  Metrics metrics = Make({Named("a")}).value();
  metrics.Set("a", std::numeric_limits<int64_t>::max());
  metrics.Add("a", 1);
  EXPECT_EQ(metrics.Get("a"), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(metrics.Divide("a", -1));
  EXPECT_TRUE(metrics.Multiply("a", std::numeric_limits<int64_t>::max()));
}

TEST_F(MetricsTest, AreTheSameInEveryProcess) {
  Metrics metrics = Make({Named("a")}).value();
  const pid_t child = ::fork();
  if (child == 0) {
    metrics.Add("a", 41);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  metrics.Add("a", 1);
  EXPECT_EQ(metrics.Get("a"), 42);
}

TEST_F(MetricsTest, CollectFromChildrenFilesAndSources) {
  TempDir folder;
  const std::string path = folder / "load";
  ASSERT_TRUE(WriteFileAtomically(path, "0.5 -42 7\n"));
  MetricSpec file = Collecting("file", MetricCollector::kFile, {}, 1);
  file.file = path;
  MetricSpec source = Named("source", 100);
  source.collector = MetricCollector::kSource;
  source.source = [] { return 23; };
  Metrics metrics = Make({Named("a", 2), Named("b", 4), file, source,
                          Collecting("sum", MetricCollector::kSum, {"a", "b"}),
                          Collecting("avg", MetricCollector::kAverage, {"a", "b"}),
                          Collecting("accumulator", MetricCollector::kAccumulator, {"a", "b"}),
                          Collecting("adder", MetricCollector::kAdder, {"a", "b"}, 10),
                          Collecting("multiplier", MetricCollector::kMultiplier, {"a", "b"}, 10)})
                        .value();
  metrics.Collect(1);
  metrics.Collect(2);
  EXPECT_EQ(metrics.Get("file"), -42);
  EXPECT_EQ(metrics.Get("source"), 123) << "the initial value comes on top";
  EXPECT_EQ(metrics.Get("sum"), 6);
  EXPECT_EQ(metrics.Get("avg"), 3);
  EXPECT_EQ(metrics.Get("accumulator"), 12);
  EXPECT_EQ(metrics.Get("adder"), 16);
  EXPECT_EQ(metrics.Get("multiplier"), 60);
  EXPECT_FALSE(metrics.Set("sum", 1)) << "what is collected is not to be set";
}

TEST_F(MetricsTest, AFifoInPlaceOfAFileKeepsNobodyWaiting) {
  TempDir folder;
  MetricSpec file = Collecting("file", MetricCollector::kFile, {});
  file.file = folder / "fifo";
  ASSERT_EQ(::mkfifo(file.file.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "kept").c_str(), 0600), 0);
  Metrics metrics = Make({file}).value();
  std::vector<MetricSpec> kept{Named("kept", 3)};
  EXPECT_EQ(InChild([&] {
              ::alarm(20);
              metrics.Collect(1);
              RestoreMetrics(folder.path(), kept);
              return metrics.Get("file") == 0 && !kept[0].first_value ? 0 : 1;
            }),
            0);
}

TEST_F(MetricsTest, CollectAsOftenAsAsked) {
  int asked = 0;
  MetricSpec slow = Named("slow");
  slow.collector = MetricCollector::kSource;
  slow.every_s = 3;
  slow.source = [&asked] { return ++asked; };
  Metrics metrics = Make({slow}).value();
  for (int turn = 1; turn <= 7; ++turn) metrics.Collect(turn);
  EXPECT_EQ(asked, 2);
}

TEST_F(MetricsTest, AnAliasIsTheOtherMetric) {
  MetricSpec alias = Named("alias");
  alias.type = MetricType::kAlias;
  alias.alias = "a";
  Metrics metrics = Make({Named("a"), alias}).value();
  metrics.Set("a", 7);
  EXPECT_EQ(metrics.Get("alias"), 7);
}

TEST_F(MetricsTest, RefuseNamesThatAreTakenOrMissing) {
  EXPECT_FALSE(Make({Named("a"), Named("a")}));
  EXPECT_FALSE(Make({Collecting("a", MetricCollector::kSum, {"nobody"})}));
  MetricSpec alias = Named("alias");
  alias.alias = "nobody";
  EXPECT_FALSE(Make({alias}));
}

TEST_F(MetricsTest, ForgetWhatWasPushedWhenAsked) {
  MetricSpec spec = Named("a", 3);
  spec.reset_after_push = true;
  Metrics metrics = Make({spec, Named("b")}).value();
  metrics.Set("a", 9);
  metrics.Set("b", 9);
  for (const Metrics::Row& row : metrics.rows()) {
    const int64_t value = row.Get();
    metrics.Add("a", 1);
    Metrics::Pushed(row, value);
  }
  EXPECT_EQ(metrics.Get("a"), 5) << "what was counted meanwhile stays";
  EXPECT_EQ(metrics.Get("b"), 9);
}

TEST_F(MetricsTest, AThresholdReportsAtMostOncePerRate) {
  Metrics metrics = Make({Named("a")}).value();
  MetricWatch watch =
      MetricWatch::Create(
          metrics, {{.metric = "a", .value = 8, .alarm = "al", .message = "over", .pause_s = 10}})
          .value();
  int reports = 0;
  const auto report = [&](std::string_view alarm, std::string_view message) {
    EXPECT_EQ(alarm, "al");
    EXPECT_EQ(message, "over");
    ++reports;
  };
  metrics.Set("a", 7);
  watch.Check(1, report);
  EXPECT_EQ(reports, 0);
  metrics.Set("a", 8);
  watch.Check(2, report);
  watch.Check(11, report);
  EXPECT_EQ(reports, 1);
  watch.Check(12, report);
  EXPECT_EQ(reports, 2);
}

TEST_F(MetricsTest, AThresholdMayResetItsMetric) {
  Metrics metrics = Make({Named("a", 9)}).value();
  MetricWatch watch =
      MetricWatch::Create(metrics, {{.metric = "a", .value = 8, .resets = true, .reset_to = 2}})
          .value();
  watch.Check(1, [](std::string_view, std::string_view message) { EXPECT_EQ(message, "a"); });
  EXPECT_EQ(metrics.Get("a"), 2);
  EXPECT_FALSE(MetricWatch::Create(metrics, {{.metric = "nobody"}}));
}

TEST_F(MetricsTest, TheServersOwnFollowTheScoreboard) {
  SharedSize size;
  Scoreboard::AddSize(size, 2, 2);
  SharedRegion slots = SharedRegion::Create(size).value();
  const Scoreboard scoreboard = Scoreboard::Create(slots, 2, 2).value();
  scoreboard.worker(1).NoteSpawn(1, 10, 100);
  scoreboard.worker(2).NoteSpawn(2, 11, 100);
  auto specs = BuiltinMetrics(scoreboard, nullptr, {}, true);
  EXPECT_EQ(specs.size(), BuiltinMetricCount({.workers = 2, .cores = 2, .sockets = 0}));
  Metrics metrics = Make(std::move(specs)).value();
  Bump(scoreboard.core(2, 1).requests, 3);
  Bump(scoreboard.core(2, 1).exceptions, 2);
  scoreboard.core(1, 0).request_started_us = 1;
  scoreboard.worker(2).NoteResponse(100, 50);
  metrics.Collect(1);
  EXPECT_EQ(metrics.Get("worker.2.requests"), 3);
  EXPECT_EQ(metrics.Get("worker.0.requests"), 3);
  EXPECT_EQ(metrics.Get("worker.2.core.1.requests"), 3);
  EXPECT_EQ(metrics.Get("worker.2.core.1.exceptions"), 2);
  EXPECT_EQ(metrics.Get("worker.2.failed_requests"), 2);
  EXPECT_EQ(metrics.Get("core.busy_workers"), 1);
  EXPECT_EQ(metrics.Get("core.idle_workers"), 1);
  EXPECT_EQ(metrics.Get("core.total_tx"), 50);
  EXPECT_EQ(metrics.Get("worker.2.avg_response_time"), 50);
  EXPECT_EQ(metrics.Get("core.avg_response_time"), 25);
  EXPECT_EQ(metrics.Find("worker.1.core.0.read_errors")->spec.oid, "3.1.2.0.8");
  scoreboard.MakeCurrent(2, 1);
  metrics.Collect(2);
  EXPECT_EQ(metrics.Get("worker.2.requests"), 3) << "a replacement goes on counting";
}

TEST_F(MetricsTest, AreFilesThatTheNextStartReads) {
  TempDir folder;
  Metrics metrics = Make({Named("a"), Named("b.c")}).value();
  {
    MetricFiles files = MetricFiles::Create(folder.path().string(), metrics).value();
    metrics.Set("a", -12345);
    files.Write();
    metrics.Set("b.c", 7);
    files.Write();
  }
  const std::string text = ReadFile(folder / "a").value();
  EXPECT_EQ(text.size(), 4096U);
  EXPECT_EQ(text.substr(0, 7), std::string_view("-12345\n"));
  EXPECT_EQ(text.find_first_not_of('\0', 7), std::string::npos);
  std::vector<MetricSpec> specs = {Named("a"), Named("b.c"), Named("new", 3)};
  RestoreMetrics(folder.path().string(), specs);
  Metrics next = Make(std::move(specs)).value();
  EXPECT_EQ(next.Get("a"), -12345);
  EXPECT_EQ(next.Get("b.c"), 7);
  EXPECT_EQ(next.Get("new"), 3);
  EXPECT_FALSE(MetricFiles::Create(folder / "missing", next));
}

TEST_F(MetricsTest, GoOnFromFilesWhereTheyCountOn) {
  TempDir folder;
  const auto source = [](std::string name, MetricType type) {
    MetricSpec spec = Named(std::move(name));
    spec.type = type;
    spec.collector = MetricCollector::kSource;
    spec.source = [] { return 5; };
    return spec;
  };
  MetricSpec pushed = Named("pushed", 2);
  pushed.reset_after_push = true;
  const std::vector<MetricSpec> specs = {
      pushed,
      Named("child", 10),
      source("counter", MetricType::kCounter),
      source("gauge", MetricType::kGauge),
      Collecting("sum", MetricCollector::kSum, {"child"}),
      Collecting("total", MetricCollector::kAccumulator, {"child"})};
  for (int start = 1; start <= 3; ++start) {
    std::vector<MetricSpec> restored = specs;
    RestoreMetrics(folder.path().string(), restored);
    Metrics metrics = Make(std::move(restored)).value();
    metrics.Collect(1);
    EXPECT_EQ(metrics.Get("child"), 10);
    EXPECT_EQ(metrics.Get("counter"), 5 * start);
    EXPECT_EQ(metrics.Get("gauge"), 5);
    EXPECT_EQ(metrics.Get("sum"), 10);
    EXPECT_EQ(metrics.Get("total"), 10 * start);
    Metrics::Pushed(*metrics.Find("pushed"), metrics.Get("pushed"));
    EXPECT_EQ(metrics.Get("pushed"), 2);
    metrics.Set("pushed", 9);
    MetricFiles::Create(folder.path().string(), metrics).value().Write();
  }
}

TEST_F(MetricsTest, FilesThatOthersCutOrRemoveAreWrittenOrLeft) {
  TempDir folder;
  Metrics metrics = Make({Named("a"), Named("b")}).value();
  MetricFiles files = MetricFiles::Create(folder.path().string(), metrics).value();
  std::filesystem::resize_file(folder / "a", 0);
  std::filesystem::remove(folder / "b");
  metrics.Set("a", 5);
  metrics.Set("b", 6);
  files.Write();
  EXPECT_EQ(ReadFile(folder / "a").value().substr(0, 2), "5\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

}  // namespace
}  // namespace uwsgi
