// SPDX-License-Identifier: Apache-2.0
// What the statistics cost the master: 64 workers of 8 cores each, idle and all busy with a request
// of a browser.
#include <benchmark/benchmark.h>

#include "process/prometheus.h"
#include "process/stats_json.h"
#include "service/builtin_metrics.h"

namespace uwsgi {
namespace {

constexpr int kWorkers = 64;
constexpr int kCores = 8;

std::string BrowserVars() {
  std::string vars;
  for (const std::string_view var :
       {"REQUEST_METHOD=GET", "PATH_INFO=/wiki/Main_Page", "QUERY_STRING=action=view&lang=de",
        "REQUEST_URI=/wiki/Main_Page?action=view&lang=de", "SERVER_PROTOCOL=HTTP/1.1",
        "SCRIPT_NAME=", "HTTP_HOST=www.example.com", "REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=50000",
        "SERVER_PORT=80",
        "HTTP_USER_AGENT=Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "HTTP_ACCEPT=text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "HTTP_COOKIE=session=0123456789abcdef0123456789abcdef; theme=dark; consent=all"}) {
    vars += var;
    vars += '\0';
  }
  return vars;
}

struct Instance {
  explicit Instance(bool busy) {
    const std::string vars = BrowserVars();
    for (int id = 1; id <= kWorkers; ++id) {
      scoreboard.worker(id).NoteSpawn(id, 1000 + id, 1'700'000'000);
      for (CoreSlot& core : scoreboard.worker(id).cores()) {
        core.requests = 123456;
        if (!busy) continue;
        core.vars->Set(vars);
        core.BeginRequest(1, 1'700'000'000, "GET", "/", "192.0.2.1");
      }
    }
    view.scoreboard = &scoreboard;
    view.metrics = &metrics;
    view.sockets = {{.name = "127.0.0.1:8000", .protocol = "http", .queue = 0, .max_queue = 100}};
  }

  static SharedSize Size() {
    SharedSize size;
    Scoreboard::AddSize(size, kWorkers, kCores, Detail::kStats);
    Metrics::AddSize(size, BuiltinMetricCount({kWorkers, kCores, 0}));
    return size;
  }

  SharedRegion region = SharedRegion::Create(Size()).value();
  Scoreboard scoreboard = Scoreboard::Create(region, kWorkers, kCores, Detail::kStats).value();
  Metrics metrics = Metrics::Create(region, BuiltinMetrics(scoreboard, {}, true)).value();
  StatsView view;
};

void Document(benchmark::State& state, bool busy, bool metrics, JsonStyle style) {
  Instance instance(busy);
  instance.view.with_metrics = metrics;
  size_t bytes = 0;
  for (auto _ : state) bytes = WriteStatsJson(instance.view, style).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK_CAPTURE(Document, idle, false, false, JsonStyle::kTabs);
BENCHMARK_CAPTURE(Document, busy, true, false, JsonStyle::kTabs);
BENCHMARK_CAPTURE(Document, busy_with_metrics, true, true, JsonStyle::kTabs);
BENCHMARK_CAPTURE(Document, busy_minified, true, false, JsonStyle::kMinified);

void PrometheusText(benchmark::State& state) {
  Instance instance(true);
  for (auto _ : state) benchmark::DoNotOptimize(WritePrometheus(instance.view));
}
BENCHMARK(PrometheusText);

void CollectMetrics(benchmark::State& state) {
  Instance instance(true);
  int64_t turn = 0;
  for (auto _ : state) instance.metrics.Collect(++turn);
}
BENCHMARK(CollectMetrics);

void RememberVars(benchmark::State& state) {
  Instance instance(false);
  const std::string vars = BrowserVars();
  for (auto _ : state) instance.scoreboard.core(1, 0).vars->Set(vars);
}
BENCHMARK(RememberVars);

}  // namespace
}  // namespace uwsgi
