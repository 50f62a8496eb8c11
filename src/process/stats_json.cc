// SPDX-License-Identifier: Apache-2.0
#include "process/stats_json.h"

#include <algorithm>

#include "base/version.h"
#include "process/end_reason.h"
#include "request/close_reason.h"

namespace uwsgi {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

int64_t AsInt(uint64_t number) { return static_cast<int64_t>(number); }

template <typename T>
int64_t Load(const std::atomic<T>& number) {
  return static_cast<int64_t>(number.load(kRelaxed));
}

void WriteHead(JsonWriter& json, const StatsView& view) {
  const int64_t queue = view.listen_queue();
  json.Text("version", kVersion);
  json.Number("listen_queue", queue);
  json.Number("listen_queue_errors", 0);
  json.Number("signal_queue", view.signal_queue);
  json.Number("load", queue);
  json.Number("pid", view.pid);
  json.Number("uid", view.uid);
  json.Number("gid", view.gid);
  json.Text("cwd", view.cwd);
}

void WriteDaemons(JsonWriter& json, const StatsView& view) {
  if (view.daemons.empty()) return;
  json.BeginList("daemons");
  for (const DaemonFigures& daemon : view.daemons) {
    json.BeginObject();
    json.Text("cmd", daemon.command);
    json.Number("pid", daemon.pid);
    json.Number("respawns", daemon.respawns);
    json.EndObject();
  }
  json.EndList();
}

void WriteLocks(JsonWriter& json, const StatsView& view) {
  json.BeginList("locks");
  for (const LockFigures& lock : view.locks) {
    json.BeginObject();
    json.NumberNamed(lock.name, lock.holder);
    json.EndObject();
  }
  json.EndList();
}

void WriteCaches(JsonWriter& json, const StatsView& view) {
  if (view.caches.empty()) return;
  json.BeginList("caches");
  for (const CacheFigures& cache : view.caches) {
    json.BeginObject();
    json.Text("name", cache.name);
    json.Text("hash", cache.hash);
    json.Number("hashsize", cache.hash_size);
    json.Number("keysize", cache.key_size);
    json.Number("max_items", cache.max_items);
    json.Number("blocks", cache.blocks);
    json.Number("blocksize", cache.block_size);
    json.Number("items", cache.items);
    json.Number("hits", cache.hits);
    json.Number("miss", cache.misses);
    json.Number("full", cache.full);
    json.Number("last_modified_at", cache.last_modified_at);
    json.EndObject();
  }
  json.EndList();
}

void WriteMetrics(JsonWriter& json, const StatsView& view) {
  if (view.metrics == nullptr || !view.with_metrics) return;
  json.BeginObject("metrics");
  for (const Metrics::Row& row : view.metrics->rows()) {
    json.BeginObject(row.spec.name);  // its characters need no escapes
    json.Number("type", static_cast<int64_t>(row.spec.type));
    json.Text("oid", row.spec.oid);
    json.Number("value", row.Get());
    json.EndObject();
  }
  json.EndObject();
}

void WriteSockets(JsonWriter& json, const StatsView& view) {
  json.BeginList("sockets");
  for (const SocketFigures& socket : view.sockets) {
    json.BeginObject();
    json.Text("name", socket.name);
    json.Text("proto", socket.protocol);
    json.Number("queue", socket.queue);
    json.Number("max_queue", socket.max_queue);
    json.Number("shared", socket.is_shared ? 1 : 0);
    json.Number("can_offload", 0);
    json.EndObject();
  }
  json.EndList();
}

void WriteApps(JsonWriter& json, const WorkerSlot& slot) {
  json.BeginList("apps");
  for (size_t id = 0; id < slot.apps().size(); ++id) {
    const AppSlot& app = slot.apps()[id];
    if (!app.is_loaded.load(std::memory_order_acquire)) continue;
    json.BeginObject();
    json.Number("id", AsInt(id));
    json.Number("modifier1", 0);
    json.Text("mountpoint", app.mountpoint.Get());
    json.Number("startup_time", Load(app.startup_seconds));
    json.Number("requests", Load(app.requests));
    json.Number("exceptions", Load(app.exceptions));
    json.Text("chdir", app.chdir.Get());
    json.EndObject();
  }
  json.EndList();
}

// compat: behind the last variable stands an empty text.
void WriteVars(JsonWriter& json, const CoreSlot& core) {
  json.BeginList("vars");
  if (core.busy() && core.vars != nullptr) {
    if (const auto text = core.vars->Get()) {
      std::string_view rest = *text;
      while (!rest.empty()) {
        const size_t end = std::min(rest.find('\0'), rest.size());
        json.TextItem(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      json.TextItem("");
    }
  }
  json.EndList();
}

void WriteCore(JsonWriter& json, const WorkerSlot& slot, size_t id) {
  const CoreSlot& core = slot.cores()[id];
  json.BeginObject();
  json.Number("id", AsInt(id));
  for (const CounterRow& row : AllCounters()) {
    // That of exceptions is shown for the worker alone.
    if (row.field != &CoreSlot::exceptions)
      json.Number(row.name, AsInt(slot.TotalOfCore(id, row.field)));
  }
  json.Number("in_request", core.busy() ? 1 : 0);
  WriteVars(json, core);
  json.BeginObject("req_info");
  if (core.busy()) json.Number("request_start", Load(core.request_started_wall_s));
  json.EndObject();
  json.EndObject();
}

void WriteWorker(JsonWriter& json, const WorkerSlot& slot, const StatsView& view) {
  const WorkerTotals& totals = *slot.totals;
  json.BeginObject();
  json.Number("id", slot.id.load(kRelaxed));
  json.Number("pid", slot.pid.load(kRelaxed));
  json.Number("accepting", slot.accepting.load(kRelaxed) ? 1 : 0);
  json.Number("requests", AsInt(slot.requests()));
  json.Number("delta_requests", AsInt(slot.delta_requests()));
  json.Number("exceptions", AsInt(slot.Total(&CoreSlot::exceptions)));
  json.Number("harakiri_count", Load(totals.harakiri_count));
  json.Number("signals", Load(totals.signals));
  json.Number("signal_queue", 0);
  json.Text("status", WorkerStatus(slot, view.scoreboard->paused()));
  json.Number("rss", Load(slot.rss));
  json.Number("vsz", Load(slot.vsz));
  json.Number("running_time", Load(totals.running_time_us));
  json.Number("last_spawn", slot.last_spawn_s.load(kRelaxed));
  json.Number("respawn_count", Load(totals.respawn_count));
  json.Number("tx", Load(totals.tx));
  json.Number("avg_rt", Load(totals.avg_rt_us));
  WriteApps(json, slot);
  if (view.with_cores) {
    json.BeginList("cores");
    for (size_t id = 0; id < slot.cores().size(); ++id) WriteCore(json, slot, id);
    json.EndList();
  }
  json.EndObject();
}

void WriteWorkers(JsonWriter& json, const StatsView& view) {
  json.BeginList("workers");
  for (int id = 1; id <= view.scoreboard->workers(); ++id)
    WriteWorker(json, view.scoreboard->worker(id), view);
  json.EndList();
}

void WriteSpoolers(JsonWriter& json, const StatsView& view) {
  if (view.spoolers.empty()) return;
  json.BeginList("spoolers");
  for (const SpoolerFigures& spooler : view.spoolers) {
    json.BeginObject();
    json.Text("dir", spooler.directory);
    json.Number("pid", spooler.pid);
    json.Number("tasks", spooler.tasks);
    json.Number("respawns", spooler.respawns);
    json.Number("running", spooler.is_running ? 1 : 0);
    json.Number("failures", spooler.failures);
    json.Number("waiting", spooler.waiting);
    json.Number("scheduled", spooler.scheduled);
    json.Number("oldest_age", spooler.oldest_age);
    json.Number("set_aside", spooler.set_aside);
    json.EndObject();
  }
  json.EndList();
}

void WriteCrons(JsonWriter& json, const StatsView& view) {
  if (view.crons.empty()) return;
  json.BeginList("crons");
  for (const CronFigures& cron : view.crons) {
    json.BeginObject();
    json.Number("minute", cron.minute);
    json.Number("hour", cron.hour);
    json.Number("day", cron.day);
    json.Number("month", cron.month);
    json.Number("week", cron.week);
    json.Text("command", cron.command);
    json.Number("unique", cron.is_unique ? 1 : 0);
    json.Text("legion", "");
    json.Number("pid", cron.pid);
    json.Number("started_at", cron.started_at);
    json.EndObject();
  }
  json.EndList();
}

void WriteCounts(JsonWriter& json, std::string_view key, const std::vector<NamedCount>& counts) {
  json.BeginObject(key);
  for (const NamedCount& count : counts) json.Number(count.name, AsInt(count.count));
  json.EndObject();
}

// What the predecessor's document does not have.
void WriteOurs(JsonWriter& json, const StatsView& view) {
  const InstanceCounters& instance = view.scoreboard->instance();
  json.Number("started_on", view.started_on);
  json.Number("ready", view.is_ready ? 1 : 0);
  WriteCounts(json, "closed", CountClosed(*view.scoreboard));
  WriteCounts(json, "worker_ends", CountEnds(*view.scoreboard));
  json.BeginObject("reloads");
  json.Number("done", Load(instance.reloads));
  json.Number("failed", Load(instance.failed_reloads));
  json.Number("workers", Load(instance.worker_reloads));
  json.Number("last", Load(instance.last_reload_s));
  json.EndObject();
  json.BeginList("responses");
  for (const uint64_t count : CountStatusClasses(*view.scoreboard)) json.NumberItem(AsInt(count));
  json.EndList();
  json.BeginObject("response_times");
  json.BeginList("bounds");
  for (const uint64_t bound : kLatencyBoundsUs) json.NumberItem(AsInt(bound));
  json.EndList();
  json.BeginList("counts");
  for (const uint64_t count : CountLatency(*view.scoreboard)) json.NumberItem(AsInt(count));
  json.EndList();
  json.EndObject();
}

size_t ExpectedBytes(const StatsView& view) {
  const auto workers = static_cast<size_t>(view.scoreboard->workers());
  const auto cores = static_cast<size_t>(view.scoreboard->cores());
  const size_t metrics = view.metrics != nullptr ? view.metrics->rows().size() : 0;
  return 4096 + workers * (768 + cores * 512) + metrics * 96;
}

template <size_t kSize>
std::vector<NamedCount> Named(const std::array<std::atomic<uint64_t>, kSize> WorkerTotals::*counts,
                              const Scoreboard& scoreboard, size_t first, size_t count,
                              std::string_view (*name)(size_t)) {
  std::vector<NamedCount> all;
  for (size_t i = first; i < count; ++i) {
    NamedCount named{name(i), 0};
    for (int id = 1; id <= scoreboard.workers(); ++id)
      named.count += (scoreboard.worker(id).totals->*counts)[i].load(kRelaxed);
    all.push_back(named);
  }
  return all;
}

static_assert(static_cast<size_t>(CloseReason::kCount) <= std::size(WorkerTotals{}.closed));
static_assert(static_cast<size_t>(EndReason::kCount) <= std::size(WorkerTotals{}.ends));

}  // namespace

int64_t StatsView::listen_queue() const {
  int64_t most = 0;
  for (const SocketFigures& socket : sockets) most = std::max(most, socket.queue);
  return most;
}

std::vector<NamedCount> CountClosed(const Scoreboard& scoreboard) {
  return Named(&WorkerTotals::closed, scoreboard, 1, static_cast<size_t>(CloseReason::kCount),
               [](size_t i) { return NameOf(static_cast<CloseReason>(i)); });
}

std::vector<NamedCount> CountEnds(const Scoreboard& scoreboard) {
  return Named(&WorkerTotals::ends, scoreboard, 0, static_cast<size_t>(EndReason::kCount),
               [](size_t i) { return NameOf(static_cast<EndReason>(i)); });
}

std::array<uint64_t, kLatencyBuckets> CountLatency(const Scoreboard& scoreboard) {
  std::array<uint64_t, kLatencyBuckets> counts{};
  for (const WorkerSlot& berth : scoreboard.all_berths()) {
    for (const CoreSlot& core : berth.cores()) {
      for (size_t i = 0; i < counts.size(); ++i) counts[i] += core.latency[i].load(kRelaxed);
    }
  }
  return counts;
}

std::array<uint64_t, 6> CountStatusClasses(const Scoreboard& scoreboard) {
  std::array<uint64_t, 6> counts{};
  for (const WorkerSlot& berth : scoreboard.all_berths()) {
    for (const CoreSlot& core : berth.cores()) {
      for (size_t i = 0; i < counts.size(); ++i) counts[i] += core.status_classes[i].load(kRelaxed);
    }
  }
  return counts;
}

std::string WorkerStatus(const WorkerSlot& slot, bool is_paused) {
  const WorkerState state = slot.state.load(kRelaxed);
  if (slot.pid.load(kRelaxed) == 0 || state == WorkerState::kEmpty || state == WorkerState::kGone)
    return "cheap";
  for (const CoreSlot& core : slot.cores()) {
    const int signal = core.signal.load(kRelaxed);
    if (signal >= 0) return fmt::format("sig{}", signal);
  }
  if (slot.busy_cores() > 0) return "busy";
  return is_paused ? "pause" : "idle";
}

std::string WriteStatsJson(const StatsView& view, JsonStyle style) {
  JsonWriter json(style, ExpectedBytes(view));
  json.BeginObject();
  WriteHead(json, view);
  WriteDaemons(json, view);
  WriteLocks(json, view);
  WriteCaches(json, view);
  WriteMetrics(json, view);
  WriteSockets(json, view);
  WriteWorkers(json, view);
  WriteSpoolers(json, view);
  WriteCrons(json, view);
  WriteOurs(json, view);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace uwsgi
