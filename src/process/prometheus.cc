// SPDX-License-Identifier: Apache-2.0
#include "process/prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/utf8.h"
#include "base/version.h"

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

template <typename T>
int64_t Load(const std::atomic<T>& number) {
  return static_cast<int64_t>(number.load(kRelaxed));
}

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Families one after the other, each with its head and its samples.
class Exposition {
 public:
  void Family(std::string_view name, std::string_view type, std::string_view help) {
    family_ = name;
    Print("# HELP uwsgi_{} {}\n# TYPE uwsgi_{} {}\n", name, help, name, type);
  }

  void Sample(Labels labels, int64_t value) {
    BeginSample("", labels);
    Print(" {}\n", value);
  }
  // Microseconds, shown in seconds.
  void Seconds(Labels labels, int64_t micros) {
    BeginSample("", labels);
    Print(" {}.{:06}\n", micros / 1'000'000, micros % 1'000'000);
  }
  void Histogram(const std::array<uint64_t, kLatencyBuckets>& counts, int64_t sum_us) {
    uint64_t total = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      total += counts[i];
      const std::string bound =
          i < kLatencyBoundsUs.size()
              ? fmt::format("{}", static_cast<double>(kLatencyBoundsUs[i]) / 1e6)
              : "+Inf";
      BeginSample("_bucket", {{"le", bound}});
      Print(" {}\n", total);
    }
    BeginSample("_sum", {});
    Print(" {}.{:06}\n", sum_us / 1'000'000, sum_us % 1'000'000);
    BeginSample("_count", {});
    Print(" {}\n", total);
  }

  [[nodiscard]] std::string Take() && { return std::move(out_); }

 private:
  template <typename... Args>
  void Print(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void BeginSample(std::string_view suffix, Labels labels) {
    Print("uwsgi_{}{}", family_, suffix);
    if (labels.size() == 0) return;
    char before = '{';
    for (const auto& [name, value] : labels) {
      Print("{}{}=\"", before, name);
      AppendValue(value);
      out_ += '"';
      before = ',';
    }
    out_ += '}';
  }

  void AppendValue(std::string_view value) {
    for (const char c : ValidUtf8(value)) {
      if (c == '\\' || c == '"') out_ += '\\';
      if (c == '\n') {
        out_ += "\\n";
      } else {
        out_ += c;
      }
    }
  }

  std::string out_;
  std::string family_;
};

// --- of the instance ---

void WriteInstance(Exposition& out, const StatsView& view) {
  out.Family("listen_queue_length", "gauge", "Connections waiting at the fullest socket.");
  out.Sample({}, view.listen_queue());
  out.Family("listen_queue_errors", "gauge", "Listen queue errors; always 0.");
  out.Sample({}, 0);
  out.Family("signal_queue_length", "gauge", "User signals on their way to the master.");
  out.Sample({}, view.signal_queue);
  out.Family("workers", "gauge", "Places for workers.");
  out.Sample({}, view.scoreboard->workers());
  out.Family("build_info", "gauge", "The version of the server.");
  out.Sample({{"version", kVersion}}, 1);
  out.Family("start_time_seconds", "gauge", "When the server was started, before any reload.");
  out.Sample({}, view.started_on);
  out.Family("ready", "gauge", "Whether it is ready for requests.");
  out.Sample({}, view.is_ready ? 1 : 0);
}

void WriteSockets(Exposition& out, const StatsView& view) {
  struct Row {
    std::string_view name;
    std::string_view help;
    int64_t (*figure)(const SocketFigures& socket);
  };
  constexpr Row kRows[] = {
      {"socket_queue_length", "Connections waiting to be accepted.",
       [](const SocketFigures& s) { return s.queue; }},
      {"socket_max_queue_length", "The most that may wait.",
       [](const SocketFigures& s) { return s.max_queue; }},
      {"socket_shared", "Whether it is a shared socket.",
       [](const SocketFigures& s) { return int64_t{s.is_shared}; }},
      {"socket_can_offload", "Always 0: files are sent by the loop.",
       [](const SocketFigures&) { return int64_t{0}; }},
  };
  for (const Row& row : kRows) {
    out.Family(row.name, "gauge", row.help);
    for (const SocketFigures& socket : view.sockets)
      out.Sample({{"name", socket.name}, {"proto", socket.protocol}}, row.figure(socket));
  }
}

// --- of workers ---

enum class Unit : uint8_t { kNumber, kSeconds };

struct WorkerRow {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  Unit unit;
  int64_t (*figure)(const WorkerSlot& slot);
};

// clang-format off
constexpr WorkerRow kWorkerRows[] = {
    {"worker_accepting", "gauge", "Whether it takes connections.", Unit::kNumber,
     [](const WorkerSlot& s) { return int64_t{s.accepting.load(kRelaxed)}; }},
    {"worker_delta_requests", "gauge", "Requests since the process was started.", Unit::kNumber,
     [](const WorkerSlot& s) { return static_cast<int64_t>(s.delta_requests()); }},
    {"worker_signal_queue_length", "gauge", "User signals on their way to it.", Unit::kNumber,
     [](const WorkerSlot&) { return int64_t{0}; }},
    {"worker_rss_bytes", "gauge", "Resident memory.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.rss); }},
    {"worker_vsz_bytes", "gauge", "Address space.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.vsz); }},
    {"worker_running_time_seconds", "gauge", "Time inside requests.", Unit::kSeconds,
     [](const WorkerSlot& s) { return Load(s.totals->running_time_us); }},
    {"worker_last_spawn_time_seconds", "gauge", "When its process was started.", Unit::kNumber,
     [](const WorkerSlot& s) { return s.last_spawn_s.load(kRelaxed); }},
    {"worker_average_response_time_seconds", "gauge", "Decaying mean of response times.", Unit::kSeconds,
     [](const WorkerSlot& s) { return Load(s.totals->avg_rt_us); }},
    {"worker_busy_cores", "gauge", "Cores that run a request.", Unit::kNumber,
     [](const WorkerSlot& s) { return int64_t{s.busy_cores()}; }},
    {"worker_apps", "gauge", "Applications loaded.", Unit::kNumber,
     [](const WorkerSlot& s) {
       return int64_t{std::ranges::count_if(s.apps(), [](const AppSlot& app) { return app.is_loaded.load(kRelaxed); })};
     }},
    {"worker_cores", "gauge", "Cores.", Unit::kNumber,
     [](const WorkerSlot& s) { return static_cast<int64_t>(s.cores().size()); }},
    {"worker_requests_total", "counter", "Requests, of all processes that had this id.", Unit::kNumber,
     [](const WorkerSlot& s) { return static_cast<int64_t>(s.requests()); }},
    {"worker_exceptions_total", "counter", "Exceptions that the application did not catch.", Unit::kNumber,
     [](const WorkerSlot& s) { return static_cast<int64_t>(s.Total(&CoreSlot::exceptions)); }},
    {"worker_harakiri_count_total", "counter", "Times it was killed over an overdue request.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.totals->harakiri_count); }},
    {"worker_signals_total", "counter", "User signals handled.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.totals->signals); }},
    {"worker_respawn_count_total", "counter", "Processes started, the first included.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.totals->respawn_count); }},
    {"worker_transmitted_bytes_total", "counter", "Bytes sent.", Unit::kNumber,
     [](const WorkerSlot& s) { return Load(s.totals->tx); }},
};
// clang-format on

template <typename F>
void ForEachWorker(const StatsView& view, F&& each) {
  for (int id = 1; id <= view.scoreboard->workers(); ++id)
    each(view.scoreboard->worker(id), fmt::format("{}", id));
}

void WriteWorkers(Exposition& out, const StatsView& view) {
  for (const WorkerRow& row : kWorkerRows) {
    out.Family(row.name, row.type, row.help);
    ForEachWorker(view, [&](const WorkerSlot& slot, const std::string& id) {
      const int64_t value = row.figure(slot);
      const Labels labels = {{"worker_id", id}};
      row.unit == Unit::kSeconds ? out.Seconds(labels, value) : out.Sample(labels, value);
    });
  }
  for (const std::string_view status : {"busy", "idle", "cheap", "pause", "sig"}) {
    out.Family(fmt::format("worker_{}", status), "gauge", "Whether this is what it does.");
    ForEachWorker(view, [&](const WorkerSlot& slot, const std::string& id) {
      const std::string now = WorkerStatus(slot, view.scoreboard->paused());
      out.Sample({{"worker_id", id}}, now.substr(0, status.size()) == status ? 1 : 0);
    });
  }
}

void WriteApps(Exposition& out, const StatsView& view) {
  struct Row {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    int64_t (*figure)(const AppSlot& app);
  };
  constexpr Row kRows[] = {
      {"worker_app_startup_time_seconds", "gauge", "Time it took to load.",
       [](const AppSlot& app) { return Load(app.startup_seconds); }},
      {"worker_app_requests_total", "counter", "Requests since the process was started.",
       [](const AppSlot& app) { return Load(app.requests); }},
      {"worker_app_exceptions_total", "counter", "Exceptions since the process was started.",
       [](const AppSlot& app) { return Load(app.exceptions); }},
  };
  for (const Row& row : kRows) {
    out.Family(row.name, row.type, row.help);
    ForEachWorker(view, [&](const WorkerSlot& slot, const std::string& worker) {
      for (size_t i = 0; i < slot.apps().size(); ++i) {
        const AppSlot& app = slot.apps()[i];
        if (!app.is_loaded.load(std::memory_order_acquire)) continue;
        out.Sample({{"worker_id", worker},
                    {"app_id", fmt::format("{}", i)},
                    {"mountpoint", app.mountpoint.Get()},
                    {"chdir", app.chdir.Get()}},
                   row.figure(app));
      }
    });
  }
}

void WriteCores(Exposition& out, const StatsView& view) {
  if (!view.with_cores) return;
  const auto each_core = [&view](auto&& write) {
    ForEachWorker(view, [&](const WorkerSlot& slot, const std::string& worker) {
      for (size_t core = 0; core < slot.cores().size(); ++core)
        write(slot, worker, core, fmt::format("{}", core));
    });
  };
  out.Family("worker_core_busy", "gauge", "Whether it runs a request.");
  each_core(
      [&](const WorkerSlot& slot, const std::string& worker, size_t core, const std::string& id) {
        out.Sample({{"worker_id", worker}, {"core_id", id}}, slot.cores()[core].busy() ? 1 : 0);
      });
  for (const CounterRow& row : AllCounters()) {
    out.Family(fmt::format("worker_core_{}_total", row.name), "counter", row.meaning);
    each_core(
        [&](const WorkerSlot& slot, const std::string& worker, size_t core, const std::string& id) {
          out.Sample({{"worker_id", worker}, {"core_id", id}},
                     static_cast<int64_t>(slot.TotalOfCore(core, row.field)));
        });
  }
}

// --- of services ---

void WriteCaches(Exposition& out, const StatsView& view) {
  struct Row {
    std::string_view name;
    int64_t CacheFigures::*figure;
  };
  constexpr Row kRows[] = {
      {"cache_hashsize", &CacheFigures::hash_size},
      {"cache_keysize", &CacheFigures::key_size},
      {"cache_max_items", &CacheFigures::max_items},
      {"cache_blocks", &CacheFigures::blocks},
      {"cache_blocksize", &CacheFigures::block_size},
      {"cache_items", &CacheFigures::items},
      {"cache_hits", &CacheFigures::hits},
      {"cache_miss", &CacheFigures::misses},
      {"cache_full", &CacheFigures::full},
      {"cache_last_modified_at", &CacheFigures::last_modified_at},
  };
  if (view.caches.empty()) return;
  for (const Row& row : kRows) {
    out.Family(row.name, "gauge", "As in the stats.");
    for (const CacheFigures& cache : view.caches)
      out.Sample({{"name", cache.name}, {"hash", cache.hash}}, cache.*row.figure);
  }
}

void WriteSpoolers(Exposition& out, const StatsView& view) {
  struct Row {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    int64_t (*figure)(const SpoolerFigures& spooler);
  };
  constexpr Row kRows[] = {
      {"spooler_queue_length", "gauge", "Tasks that wait in the directory.",
       [](const SpoolerFigures& s) { return s.waiting; }},
      {"spooler_scheduled", "gauge", "Tasks with a time to come.",
       [](const SpoolerFigures& s) { return s.scheduled; }},
      {"spooler_oldest_task_seconds", "gauge", "Age of the oldest task that waits.",
       [](const SpoolerFigures& s) { return s.oldest_age; }},
      {"spooler_set_aside", "gauge", "Tasks in failed/.",
       [](const SpoolerFigures& s) { return s.set_aside; }},
      {"spooler_failures_total", "counter", "Runs that did not end with the task done.",
       [](const SpoolerFigures& s) { return s.failures; }},
      {"spooler_running", "gauge", "Whether it runs a task.",
       [](const SpoolerFigures& s) { return int64_t{s.is_running}; }},
      {"spooler_tasks_total", "counter", "Tasks done.",
       [](const SpoolerFigures& s) { return s.tasks; }},
      {"spooler_respawns_total", "counter", "Processes started after the first.",
       [](const SpoolerFigures& s) { return s.respawns; }},
  };
  if (view.spoolers.empty()) return;
  for (const Row& row : kRows) {
    out.Family(row.name, row.type, row.help);
    for (size_t i = 0; i < view.spoolers.size(); ++i) {
      const SpoolerFigures& spooler = view.spoolers[i];
      out.Sample({{"spooler_id", fmt::format("{}", i + 1)}, {"dir", spooler.directory}},
                 row.figure(spooler));
    }
  }
}

// --- why and how ---

void WriteReasons(Exposition& out, const StatsView& view) {
  const Scoreboard& scoreboard = *view.scoreboard;
  out.Family("closed_connections_total", "counter",
             "Connections closed without an answer, or without the whole of it.");
  for (const NamedCount& closed : CountClosed(scoreboard))
    out.Sample({{"reason", closed.name}}, static_cast<int64_t>(closed.count));
  out.Family("worker_ends_total", "counter", "Processes of workers that ended.");
  for (const NamedCount& end : CountEnds(scoreboard))
    out.Sample({{"reason", end.name}}, static_cast<int64_t>(end.count));
  const InstanceCounters& instance = scoreboard.instance();
  out.Family("reloads_total", "counter", "Reloads asked for, by what became of them.");
  out.Sample({{"outcome", "done"}}, Load(instance.reloads));
  out.Sample({{"outcome", "failed"}}, Load(instance.failed_reloads));
  out.Sample({{"outcome", "workers"}}, Load(instance.worker_reloads));
  out.Family("last_reload_time_seconds", "gauge", "When it was last reloaded; 0: never.");
  out.Sample({}, Load(instance.last_reload_s));
}

void WriteAnswers(Exposition& out, const StatsView& view) {
  out.Family("responses_total", "counter", "Answers by class of status.");
  const auto classes = CountStatusClasses(*view.scoreboard);
  for (size_t i = 0; i < classes.size(); ++i)
    out.Sample({{"status", i == 0 ? "none" : fmt::format("{}xx", i)}},
               static_cast<int64_t>(classes[i]));
  int64_t sum_us = 0;
  for (int id = 1; id <= view.scoreboard->workers(); ++id)
    sum_us += Load(view.scoreboard->worker(id).totals->running_time_us);
  out.Family("request_duration_seconds", "histogram", "From a complete request to its answer.");
  out.Histogram(CountLatency(*view.scoreboard), sum_us);
}

// Metrics of applications; those of the server are in the families above.
void WriteMetrics(Exposition& out, const StatsView& view) {
  if (view.metrics == nullptr || !view.with_metrics) return;
  out.Family("metric", "gauge", "Metrics that the configuration defines.");
  for (const Metrics::Row& row : view.metrics->rows()) {
    if (row.spec.collector != MetricCollector::kSource && row.spec.oid.empty())
      out.Sample({{"name", row.spec.name}}, row.Get());
  }
}

}  // namespace

std::string WritePrometheus(const StatsView& view) {
  Exposition out;
  WriteInstance(out, view);
  WriteSockets(out, view);
  WriteWorkers(out, view);
  WriteApps(out, view);
  WriteCores(out, view);
  WriteCaches(out, view);
  WriteSpoolers(out, view);
  WriteAnswers(out, view);
  WriteReasons(out, view);
  WriteMetrics(out, view);
  return std::move(out).Take();
}

}  // namespace uwsgi
