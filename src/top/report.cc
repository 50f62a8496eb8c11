// SPDX-License-Identifier: Apache-2.0
#include "top/report.h"

#include <fmt/format.h>

#include "base/json.h"
#include "top/columns.h"
#include "top/vassal_table.h"

namespace uwsgi::top {

namespace {

constexpr size_t kOnceWidth = 200;  // room for every column and a long request

// Builds an object or a list member by member; the text is JSON between brackets of the caller.
class JsonText {
 public:
  void Number(std::string_view key, int64_t value) { Raw(key, fmt::format("{}", value)); }
  // Two decimals are more than the clock of the server is good for.
  void Real(std::string_view key, double value) { Raw(key, fmt::format("{:.2f}", value)); }
  void Text(std::string_view key, std::string_view value) { Raw(key, JsonString(value)); }
  void Truth(std::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void Raw(std::string_view key, std::string_view json) {
    if (!text_.empty()) text_ += ',';
    AppendJsonString(text_, key);
    text_ += ':';
    text_ += json;
  }
  [[nodiscard]] std::string object() const { return fmt::format("{{{}}}", text_); }

 private:
  std::string text_;
};

template <typename T, typename ToJson>
std::string JsonList(const std::vector<T>& items, ToJson to_json) {
  std::string text = "[";
  for (const T& item : items) {
    if (text.size() > 1) text += ',';
    text += to_json(item);
  }
  return text + "]";
}

// Of the cores only those that are in a request.
std::string RunningJson(const std::vector<CoreStats>& cores, int64_t wall_time) {
  std::vector<CoreStats> running;
  for (const CoreStats& core : cores) {
    if (core.in_request) running.push_back(core);
  }
  return JsonList(running, [&](const CoreStats& core) {
    JsonText json;
    json.Number("core", core.id);
    json.Text("method", core.running.method);
    json.Text("uri", core.running.uri);
    json.Text("client", core.running.client);
    const int64_t start = core.running.start;
    json.Number("seconds", start == 0 || start > wall_time ? 0 : wall_time - start);
    return json.object();
  });
}

std::string WorkerJson(const WorkerStats& worker, const Row& row, const History& history,
                       int64_t wall_time) {
  JsonText json;
  json.Number("id", worker.id);
  json.Number("pid", worker.pid);
  json.Text("status", worker.status);
  json.Truth("accepting", worker.accepting);
  json.Number("requests", worker.requests);
  json.Real("requests_percent", row.share);
  json.Real("rps", history.worker_rps(worker.id));
  json.Number("exceptions", worker.exceptions);
  json.Number("signals", worker.signals);
  json.Real("average_ms", static_cast<double>(worker.average_time) / 1000);
  json.Real("running_ms", static_cast<double>(worker.running_time) / 1000);
  json.Number("rss", worker.rss);
  json.Number("vsz", worker.vsz);
  json.Number("tx", worker.tx);
  json.Number("respawns", worker.respawns);
  json.Number("harakiris", worker.harakiris);
  json.Number("last_spawn", worker.last_spawn);
  json.Number("cores", static_cast<int64_t>(worker.cores.size()));
  json.Raw("running", RunningJson(worker.cores, wall_time));
  return json.object();
}

std::string WorkersJson(const Snapshot& snapshot, const History& history, int64_t wall_time) {
  const auto groups = MakeRowGroups(snapshot, history);
  std::string text = "[";
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i > 0) text += ',';
    text += WorkerJson(snapshot.workers[i], groups[i].worker, history, wall_time);
  }
  return text + "]";
}

std::string SocketJson(const SocketStats& socket) {
  JsonText json;
  json.Text("name", socket.name);
  json.Text("protocol", socket.protocol);
  json.Number("queue", socket.queue);
  json.Number("queue_limit", socket.queue_limit);
  return json.object();
}

std::string SpoolerJson(const SpoolerStats& spooler) {
  JsonText json;
  json.Text("folder", spooler.folder);
  json.Number("pid", spooler.pid);
  json.Number("tasks", spooler.tasks);
  json.Truth("running", spooler.running);
  return json.object();
}

std::string CacheJson(const CacheStats& cache) {
  const int64_t asked = cache.hits + cache.misses;
  JsonText json;
  json.Text("name", cache.name);
  json.Number("items", cache.items);
  json.Number("items_limit", cache.items_limit);
  json.Number("hits", cache.hits);
  json.Number("misses", cache.misses);
  json.Real("hit_percent",
            asked == 0 ? 0 : 100 * static_cast<double>(cache.hits) / static_cast<double>(asked));
  json.Number("full", cache.full);
  return json.object();
}

std::string VassalJson(const VassalStats& vassal) {
  JsonText json;
  json.Text("id", vassal.id);
  json.Number("pid", vassal.pid);
  json.Text("status", StatusOf(vassal));
  json.Number("respawns", vassal.respawns);
  json.Number("last_run", vassal.last_run);
  json.Number("last_heartbeat", vassal.last_heartbeat);
  json.Number("uid", vassal.uid);
  json.Number("gid", vassal.gid);
  return json.object();
}

std::string BlacklistJson(const BlacklistEntry& entry) {
  JsonText json;
  json.Text("id", entry.id);
  json.Number("throttle_level", entry.throttle_level);
  json.Number("attempts", entry.attempts);
  return json.object();
}

void AddServer(JsonText& json, const Snapshot& snapshot, const History& history,
               int64_t wall_time) {
  const Totals totals = TotalsOf(snapshot);
  json.Number("requests", totals.requests);
  json.Real("rps", history.total_rps());
  json.Number("tx", totals.tx);
  json.Number("exceptions", totals.exceptions);
  json.Number("rss", totals.rss);
  json.Number("listen_queue", snapshot.listen_queue);
  json.Number("busy_workers", totals.busy_workers);
  json.Number("cores", totals.cores);
  json.Number("busy_cores", totals.busy_cores);
  json.Raw("sockets", JsonList(snapshot.sockets, SocketJson));
  json.Raw("workers", WorkersJson(snapshot, history, wall_time));
  json.Raw("spoolers", JsonList(snapshot.spoolers, SpoolerJson));
  json.Raw("caches", JsonList(snapshot.caches, CacheJson));
}

void AddEmperor(JsonText& json, const Snapshot& snapshot) {
  json.Text("emperor", snapshot.monitors);
  json.Truth("tyrant", snapshot.is_tyrant);
  json.Raw("vassals", JsonList(snapshot.vassals, VassalJson));
  json.Raw("blacklist", JsonList(snapshot.blacklist, BlacklistJson));
}

std::string EmperorTable(const Snapshot& snapshot, int64_t wall_time, Charset charset) {
  const VassalTable table = MakeVassalTable(snapshot, wall_time);
  std::string text = table.titles + "\n";
  for (const auto& line : table.lines) text += Clip(line.text, kOnceWidth, charset) + "\n";
  return text;
}

}  // namespace

std::string OnceTable(const Snapshot& snapshot, const History& history, int64_t wall_time,
                      Charset charset) {
  if (snapshot.is_emperor) return EmperorTable(snapshot, wall_time, charset);
  auto groups = MakeRowGroups(snapshot, history);
  SortGroups(groups, ColumnNamed("REQ"), true);
  const auto rows = Flatten(std::move(groups), CoreMode::kWorkers);
  // Without the course, which one pair of snapshots does not have.
  ColumnSet chosen = ColumnsAtStart();
  chosen[ColumnNamed("RPS/min")] = false;
  const Layout layout = PlaceColumns(chosen, rows, kOnceWidth, charset);
  std::string text = TitleLine(layout) + "\n";
  for (const Row& row : rows) text += RowLine(row, layout, charset) + "\n";
  return text;
}

std::string OnceJson(const Snapshot& snapshot, const History& history, std::string_view address,
                     int64_t wall_time) {
  JsonText json;
  json.Text("address", address);
  json.Number("time", wall_time);
  json.Real("interval", history.interval());
  json.Text("version", snapshot.version);
  json.Number("pid", snapshot.pid);
  json.Number("uid", snapshot.uid);
  json.Number("gid", snapshot.gid);
  json.Text("cwd", snapshot.cwd);
  if (snapshot.is_emperor) {
    AddEmperor(json, snapshot);
  } else {
    AddServer(json, snapshot, history, wall_time);
  }
  return json.object() + "\n";
}

}  // namespace uwsgi::top
