// SPDX-License-Identifier: Apache-2.0
#include "top/stats_model.h"

#include <limits>

#include "base/json.h"
#include "base/strings.h"

namespace uwsgi::top {

namespace {

// More of one list than this is no server but a mistake or an attack.
constexpr size_t kLongestList = 4096;

// Counters are added up, so that none may be near the end of the range. 2^50 microseconds are 35
// years.
int64_t Number(const Json& object, std::string_view key) {
  constexpr int64_t kLargest = int64_t{1} << 50;
  const int64_t value = object[key].integer();
  return value < 0 ? 0 : value > kLargest ? kLargest : value;
}

std::string Text(const Json& object, std::string_view key) {
  return std::string(object[key].text());
}

bool Truth(const Json& object, std::string_view key) { return object[key].integer() != 0; }

// "NAME=value" strings, where the first of a name counts.
std::string Variable(const Json& vars, std::string_view name) {
  for (const Json& item : vars.items()) {
    const std::string_view text = item.text();
    if (text.size() > name.size() && text[name.size()] == '=' && StartsWith(text, name)) {
      return std::string(text.substr(name.size() + 1));
    }
  }
  return {};
}

RunningRequest ParseRunning(const Json& core) {
  const Json& vars = core["vars"];
  RunningRequest running{.method = Variable(vars, "REQUEST_METHOD"),
                         .uri = Variable(vars, "REQUEST_URI"),
                         .client = Variable(vars, "REMOTE_ADDR"),
                         .start = Number(core["req_info"], "request_start")};
  if (running.uri.empty()) running.uri = Variable(vars, "PATH_INFO");
  return running;
}

CoreStats ParseCore(const Json& core) {
  CoreStats parsed{.id = Number(core, "id"),
                   .requests = Number(core, "requests"),
                   .in_request = Truth(core, "in_request")};
  if (parsed.in_request) parsed.running = ParseRunning(core);
  return parsed;
}

template <typename T>
Result<std::vector<T>> ParseList(const Json& object, std::string_view key,
                                 T (*parse)(const Json&)) {
  const JsonArray& items = object[key].items();
  if (items.size() > kLongestList) {
    return Fail("{} {} are more than anybody runs", items.size(), key);
  }
  std::vector<T> parsed;
  parsed.reserve(items.size());
  for (const Json& item : items) {
    if (item.is_object()) parsed.push_back(parse(item));
  }
  return parsed;
}

WorkerStats ParseWorker(const Json& worker) {
  const bool has_process = Number(worker, "pid") > 0;
  return {.id = Number(worker, "id"),
          .pid = Number(worker, "pid"),
          .accepting = Truth(worker, "accepting"),
          .requests = Number(worker, "requests"),
          .exceptions = Number(worker, "exceptions"),
          .signals = Number(worker, "signals"),
          .harakiris = Number(worker, "harakiri_count"),
          .respawns = Number(worker, "respawn_count"),
          .status = Text(worker, "status"),
          .rss = has_process ? Number(worker, "rss") : 0,
          .vsz = has_process ? Number(worker, "vsz") : 0,
          .tx = Number(worker, "tx"),
          .average_time = Number(worker, "avg_rt"),
          .running_time = Number(worker, "running_time"),
          .last_spawn = Number(worker, "last_spawn"),
          .cores = ParseList(worker, "cores", ParseCore).value_or(std::vector<CoreStats>())};
}

SocketStats ParseSocket(const Json& socket) {
  return {.name = Text(socket, "name"),
          .protocol = Text(socket, "proto"),
          .queue = Number(socket, "queue"),
          .queue_limit = Number(socket, "max_queue")};
}

SpoolerStats ParseSpooler(const Json& spooler) {
  return {.folder = Text(spooler, "dir"),
          .pid = Number(spooler, "pid"),
          .tasks = Number(spooler, "tasks"),
          .waiting = spooler.Has("waiting") ? Number(spooler, "waiting") : -1,
          .running = Truth(spooler, "running")};
}

CacheStats ParseCache(const Json& cache) {
  return {.name = Text(cache, "name"),
          .items = Number(cache, "items"),
          .items_limit = Number(cache, "max_items"),
          .hits = Number(cache, "hits"),
          .misses = Number(cache, "miss"),
          .full = Number(cache, "full")};
}

CommandStats ParseCron(const Json& cron) {
  return {.command = Text(cron, "command"), .running = Number(cron, "pid") > 0};
}

CommandStats ParseDaemon(const Json& daemon) {
  return {.command = Text(daemon, "cmd"), .running = Number(daemon, "pid") > 0};
}

VassalStats ParseVassal(const Json& vassal) {
  return {.id = Text(vassal, "id"),
          .on_demand = Text(vassal, "on_demand"),
          .pid = Number(vassal, "pid"),
          .respawns = Number(vassal, "respawns"),
          .uid = Number(vassal, "uid"),
          .gid = Number(vassal, "gid"),
          .first_run = Number(vassal, "first_run"),
          .last_run = Number(vassal, "last_run"),
          .last_heartbeat = Number(vassal, "last_heartbeat"),
          .ready = Truth(vassal, "ready"),
          .accepting = Truth(vassal, "accepting"),
          .loyal = Truth(vassal, "loyal"),
          .cursed = Truth(vassal, "cursed")};
}

BlacklistEntry ParseBlacklistEntry(const Json& entry) {
  return {.id = Text(entry, "id"),
          .throttle_level = Number(entry, "throttle_level"),
          .attempts = Number(entry, "attempt")};
}

// A list of monitors, or one as a string.
std::string ParseMonitors(const Json& emperor) {
  std::string monitors(emperor.text());
  for (const Json& monitor : emperor.items()) {
    if (!monitors.empty()) monitors += ' ';
    monitors += monitor.text();
  }
  return monitors;
}

}  // namespace

Result<Snapshot> ParseSnapshot(std::string_view document) {
  const Json root = TRY(ParseJson(document));
  if (!root.is_object()) return Fail("not the document of a stats server");
  Snapshot snapshot{.version = Text(root, "version"),
                    .cwd = Text(root, "cwd"),
                    .pid = Number(root, "pid"),
                    .uid = Number(root, "uid"),
                    .gid = Number(root, "gid"),
                    .listen_queue = Number(root, "listen_queue"),
                    .signal_queue = Number(root, "signal_queue")};
  snapshot.workers = TRY(ParseList(root, "workers", ParseWorker));
  snapshot.sockets = TRY(ParseList(root, "sockets", ParseSocket));
  snapshot.spoolers = TRY(ParseList(root, "spoolers", ParseSpooler));
  snapshot.caches = TRY(ParseList(root, "caches", ParseCache));
  snapshot.crons = TRY(ParseList(root, "crons", ParseCron));
  snapshot.daemons = TRY(ParseList(root, "daemons", ParseDaemon));
  snapshot.is_emperor = root.Has("vassals");
  snapshot.monitors = ParseMonitors(root["emperor"]);
  snapshot.is_tyrant = Truth(root, "emperor_tyrant");
  snapshot.vassals = TRY(ParseList(root, "vassals", ParseVassal));
  snapshot.blacklist = TRY(ParseList(root, "blacklist", ParseBlacklistEntry));
  return snapshot;
}

Totals TotalsOf(const Snapshot& snapshot) {
  Totals totals;
  for (const WorkerStats& worker : snapshot.workers) {
    totals.requests += worker.requests;
    totals.tx += worker.tx;
    totals.exceptions += worker.exceptions;
    totals.rss += worker.rss;
    totals.busy_workers += worker.status == "busy" ? 1 : 0;
    totals.cores += static_cast<int64_t>(worker.cores.size());
    for (const CoreStats& core : worker.cores) totals.busy_cores += core.in_request ? 1 : 0;
  }
  return totals;
}

std::string_view StatusOf(const VassalStats& vassal) {
  if (vassal.cursed) return "cursed";
  if (vassal.pid == 0 && !vassal.on_demand.empty()) return "on-demand";
  if (vassal.loyal) return "loyal";
  if (vassal.accepting) return "accepting";
  return vassal.ready ? "ready" : "starting";
}

}  // namespace uwsgi::top
