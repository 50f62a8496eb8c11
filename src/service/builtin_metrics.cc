// SPDX-License-Identifier: Apache-2.0
#include "service/builtin_metrics.h"

#include <string>

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Of a worker, given the berth of its process.
using WorkerFigure = int64_t (*)(const WorkerSlot& slot);

int64_t AsInt(uint64_t number) { return static_cast<int64_t>(number); }

bool HasProcess(const WorkerSlot& slot) { return slot.pid.load(kRelaxed) != 0; }

struct WorkerRow {
  std::string_view name;
  std::string_view oid;
  MetricType type;
  WorkerFigure figure;
};

// clang-format off
// compat: two have the OID 13.
constexpr WorkerRow kWorkerRows[] = {
    {"requests",          "1",  MetricType::kCounter,  [](const WorkerSlot& s) { return AsInt(s.requests()); }},
    {"delta_requests",    "2",  MetricType::kAbsolute, [](const WorkerSlot& s) { return AsInt(s.delta_requests()); }},
    {"failed_requests",   "13", MetricType::kCounter,  [](const WorkerSlot& s) { return AsInt(s.Total(&CoreSlot::exceptions)); }},
    {"respawns",          "14", MetricType::kCounter,  [](const WorkerSlot& s) { return AsInt(s.totals->respawn_count.load(kRelaxed)); }},
    {"avg_response_time", "8",  MetricType::kGauge,    [](const WorkerSlot& s) { return AsInt(s.totals->avg_rt_us.load(kRelaxed)); }},
    {"total_tx",          "9",  MetricType::kCounter,  [](const WorkerSlot& s) { return AsInt(s.totals->tx.load(kRelaxed)); }},
    {"rss_size",          "11", MetricType::kGauge,    [](const WorkerSlot& s) { return AsInt(s.rss.load(kRelaxed)); }},
    {"vsz_size",          "12", MetricType::kGauge,    [](const WorkerSlot& s) { return AsInt(s.vsz.load(kRelaxed)); }},
    {"running_time",      "13", MetricType::kCounter,  [](const WorkerSlot& s) { return AsInt(s.totals->running_time_us.load(kRelaxed)); }},
};
// clang-format on

struct CoreRow {
  std::string_view name;
  std::string_view oid;
  std::atomic<uint64_t> CoreSlot::*counter;
};

constexpr CoreRow kCoreRows[] = {
    {"requests", "1", &CoreSlot::requests},
    {"write_errors", "3", &CoreSlot::write_errors},
    {"routed_requests", "4", &CoreSlot::routed_requests},
    {"static_requests", "5", &CoreSlot::static_requests},
    {"offloaded_requests", "6", &CoreSlot::offloaded_requests},
    {"exceptions", "7", &CoreSlot::exceptions},
    {"read_errors", "8", &CoreSlot::read_errors},
};

class Collection {
 public:
  explicit Collection(const Scoreboard& scoreboard) : scoreboard_(scoreboard) {}

  void Add(std::string name, std::string oid, MetricType type, std::function<int64_t()> source) {
    MetricSpec spec;
    spec.name = std::move(name);
    spec.oid = std::move(oid);
    spec.type = type;
    spec.collector = MetricCollector::kSource;
    spec.source = std::move(source);
    specs_.push_back(std::move(spec));
  }

  void AddAlias(std::string name, std::string oid, std::string of) {
    MetricSpec spec;
    spec.name = std::move(name);
    spec.oid = std::move(oid);
    spec.type = MetricType::kAlias;
    spec.alias = std::move(of);
    specs_.push_back(std::move(spec));
  }

  // The sum of a figure over all workers.
  [[nodiscard]] std::function<int64_t()> Total(WorkerFigure figure) const {
    return [board = scoreboard_, figure] {
      int64_t total = 0;
      for (int id = 1; id <= board.workers(); ++id) total += figure(board.worker(id));
      return total;
    };
  }

  void AddInstance(const SignalRouter* signals) {
    Add("core.routed_signals", "5.1", MetricType::kCounter,
        [signals] { return signals != nullptr ? AsInt(signals->routed()) : 0; });
    Add("core.unrouted_signals", "5.2", MetricType::kCounter,
        [signals] { return signals != nullptr ? AsInt(signals->lost()) : 0; });
    Add("core.busy_workers", "5.3", MetricType::kGauge, Total([](const WorkerSlot& slot) {
          return int64_t{HasProcess(slot) && slot.busy_cores() > 0};
        }));
    Add("core.idle_workers", "5.4", MetricType::kGauge, Total([](const WorkerSlot& slot) {
          return int64_t{HasProcess(slot) && slot.busy_cores() == 0};
        }));
    Add("core.overloaded", "5.5", MetricType::kCounter, [] { return 0; });
  }

  // compat: worker 0 is the instance.
  void AddWorker(int id, bool with_cores) {
    for (const WorkerRow& row : kWorkerRows) {
      auto source = id == 0 ? Total(row.figure) : [board = scoreboard_, id, figure = row.figure] {
        return figure(board.worker(id));
      };
      // A mean and what was done since the last start have no total.
      if (id == 0 && row.name == "avg_response_time") source = Mean();
      if (id == 0 && row.name == "delta_requests") source = [] { return 0; };
      Add("worker." + std::to_string(id) + "." + std::string(row.name),
          "3." + std::to_string(id) + "." + std::string(row.oid), row.type, std::move(source));
    }
    if (id == 0 || !with_cores) return;
    for (int core = 0; core < scoreboard_.cores(); ++core) AddCore(id, core);
  }

  void AddCore(int id, int core) {
    for (const CoreRow& row : kCoreRows) {
      Add("worker." + std::to_string(id) + ".core." + std::to_string(core) + "." +
              std::string(row.name),
          "3." + std::to_string(id) + ".2." + std::to_string(core) + "." + std::string(row.oid),
          MetricType::kCounter, [&berth = scoreboard_.berth(id, 0), core, counter = row.counter] {
            return AsInt(berth.TotalOfCore(static_cast<size_t>(core), counter));
          });
    }
  }

  // Of the response times of all workers.
  [[nodiscard]] std::function<int64_t()> Mean() const {
    return [total = Total(FigureOf("avg_response_time")), count = scoreboard_.workers()] {
      return total() / count;
    };
  }

  void AddTotals() {
    Add("core.total_tx", "5.100", MetricType::kCounter, Total(FigureOf("total_tx")));
    Add("core.total_rss", "5.101", MetricType::kGauge, Total(FigureOf("rss_size")));
    Add("core.total_vsz", "5.102", MetricType::kGauge, Total(FigureOf("vsz_size")));
    Add("core.avg_response_time", "5.103", MetricType::kGauge, Mean());
    Add("core.total_running_time", "5.104", MetricType::kCounter, Total(FigureOf("running_time")));
  }

  void AddSocket(size_t index, const Listener& listener) {
    Add("socket." + std::to_string(index) + ".listen_queue", "7." + std::to_string(index) + ".1",
        MetricType::kGauge, [&listener] { return int64_t{listener.queue().waiting}; });
  }

  [[nodiscard]] std::vector<MetricSpec> Take() && { return std::move(specs_); }

 private:
  static WorkerFigure FigureOf(std::string_view name) {
    for (const WorkerRow& row : kWorkerRows) {
      if (row.name == name) return row.figure;
    }
    return nullptr;
  }

  const Scoreboard scoreboard_;  // a view, copied into what outlives this
  std::vector<MetricSpec> specs_;
};

}  // namespace

size_t BuiltinMetricCount(const BuiltinMetricSize& size) {
  constexpr size_t kInstance = 12;  // core.*, rss_size, vsz_size
  const auto workers = static_cast<size_t>(size.workers);
  return kInstance + (workers + 1) * std::size(kWorkerRows) +
         workers * static_cast<size_t>(size.cores) * std::size(kCoreRows) + size.sockets;
}

std::vector<MetricSpec> BuiltinMetrics(const Scoreboard& scoreboard, const SignalRouter* signals,
                                       const std::vector<const Listener*>& listeners,
                                       bool with_cores) {
  Collection all(scoreboard);
  all.AddInstance(signals);
  for (int id = 0; id <= scoreboard.workers(); ++id) all.AddWorker(id, with_cores);
  all.AddTotals();
  for (size_t i = 0; i < listeners.size(); ++i) all.AddSocket(i, *listeners[i]);
  all.AddAlias("rss_size", "5.101", "core.total_rss");
  all.AddAlias("vsz_size", "5.102", "core.total_vsz");
  return std::move(all).Take();
}

}  // namespace uwsgi
