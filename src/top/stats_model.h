// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi::top {

// What a stats server said, one struct per list of its document (docs/formats, reference of the
// statistics server). Whatever a document lacks, or has of a wrong type, is 0 or empty.

// The request a core serves.
struct RunningRequest {
  std::string method, uri, client;
  int64_t start = 0;  // epoch seconds, 0: unknown
};

struct CoreStats {
  int64_t id = 0;
  int64_t requests = 0;
  bool in_request = false;
  RunningRequest running;  // while in_request
};

struct WorkerStats {
  int64_t id = 0, pid = 0;
  bool accepting = false;
  int64_t requests = 0, exceptions = 0, signals = 0, harakiris = 0, respawns = 0;
  std::string status;
  int64_t rss = 0, vsz = 0, tx = 0;            // bytes; no memory without a process
  int64_t average_time = 0, running_time = 0;  // microseconds
  int64_t last_spawn = 0;                      // epoch seconds
  std::vector<CoreStats> cores;
};

struct SocketStats {
  std::string name, protocol;
  int64_t queue = 0, queue_limit = 0;
};

struct SpoolerStats {
  std::string folder;
  int64_t pid = 0, tasks = 0;  // done
  int64_t waiting = -1;        // -1: the server does not tell
  bool running = false;
};

struct CacheStats {
  std::string name;
  int64_t items = 0, items_limit = 0, hits = 0, misses = 0, full = 0;
};

// A cron entry or an attached daemon.
struct CommandStats {
  std::string command;
  bool running = false;
};

struct VassalStats {
  std::string id, on_demand;
  int64_t pid = 0, respawns = 0, uid = 0, gid = 0;
  int64_t first_run = 0, last_run = 0, last_heartbeat = 0;  // epoch seconds
  bool ready = false, accepting = false, loyal = false, cursed = false;
};

struct BlacklistEntry {
  std::string id;
  int64_t throttle_level = 0, attempts = 0;
};

struct Snapshot {
  std::string version, cwd;
  int64_t pid = 0, uid = 0, gid = 0;
  int64_t listen_queue = 0, signal_queue = 0;
  std::vector<WorkerStats> workers;
  std::vector<SocketStats> sockets;
  std::vector<SpoolerStats> spoolers;
  std::vector<CacheStats> caches;
  std::vector<CommandStats> crons, daemons;

  bool is_emperor = false;  // then it has vassals and no workers
  std::string monitors;     // what the Emperor watches
  bool is_tyrant = false;
  std::vector<VassalStats> vassals;
  std::vector<BlacklistEntry> blacklist;
};

// Fails on what is no JSON, is no object, or is more than anybody could look at; never on missing
// keys.
Result<Snapshot> ParseSnapshot(std::string_view document);

struct Totals {
  int64_t requests = 0, tx = 0, exceptions = 0, rss = 0;
  int64_t busy_workers = 0, cores = 0, busy_cores = 0;
};
Totals TotalsOf(const Snapshot& snapshot);

// One word for what a vassal does: cursed, on-demand, starting, accepting, ready, loyal.
std::string_view StatusOf(const VassalStats& vassal);

}  // namespace uwsgi::top
