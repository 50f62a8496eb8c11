// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/metrics.h"
#include "shm/scoreboard.h"
#include "wire/json_writer.h"

namespace uwsgi {

// A number with a name, for lists whose names are not ours to fix.
struct NamedCount {
  std::string_view name;
  uint64_t count = 0;
};

struct SocketFigures {
  std::string name;
  std::string_view protocol;
  int64_t queue = 0;
  int64_t max_queue = 0;
  bool is_shared = false;
};

struct LockFigures {
  std::string name;
  pid_t holder = 0;
};

struct CacheFigures {
  std::string name;
  std::string hash;
  int64_t hash_size = 0;
  int64_t key_size = 0;
  int64_t max_items = 0;
  int64_t blocks = 0;
  int64_t block_size = 0;
  int64_t items = 0;
  int64_t hits = 0;
  int64_t misses = 0;
  int64_t full = 0;
  int64_t last_modified_at = 0;
};

struct DaemonFigures {
  std::string command;
  pid_t pid = 0;
  int64_t respawns = 0;
};

struct SpoolerFigures {
  std::string directory;
  pid_t pid = 0;
  int64_t tasks = 0;
  int64_t respawns = 0;
  bool is_running = false;
  int64_t failures = 0;  // runs that did not end with the task done
  // Of its directory, as of the last look.
  int64_t waiting = 0;     // tasks that are due
  int64_t scheduled = 0;   // tasks with a time to come: `at`, or the next attempt
  int64_t oldest_age = 0;  // seconds since the oldest waiting task was made
  int64_t set_aside = 0;   // in failed/
};

// Times as in the configuration: -1 any, -N every N.
struct CronFigures {
  int minute = -1;
  int hour = -1;
  int day = -1;
  int month = -1;
  int week = -1;
  std::string command;
  bool is_unique = false;
  pid_t pid = -1;
  int64_t started_at = 0;
};

// All that the stats show beside the scoreboard, as it was at one moment.
struct StatsView {
  const Scoreboard* scoreboard = nullptr;
  const Metrics* metrics = nullptr;  // null: there are none
  bool with_cores = true;
  bool with_metrics = true;

  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string cwd;
  int64_t signal_queue = 0;
  int64_t started_on = 0;  // seconds since 1970
  bool is_ready = false;
  std::vector<SocketFigures> sockets;
  std::vector<LockFigures> locks;
  std::vector<CacheFigures> caches;
  std::vector<DaemonFigures> daemons;
  std::vector<SpoolerFigures> spoolers;
  std::vector<CronFigures> crons;

  // The most that wait at one socket.
  [[nodiscard]] int64_t listen_queue() const;
};

// The document of reference 13 section 2: its keys and types in its order, and behind them those
// of ours (docs/formats/stats-json.md).
std::string WriteStatsJson(const StatsView& view, JsonStyle style);

// How connections were closed without an answer, and how workers ended; over all workers.
std::vector<NamedCount> CountClosed(const Scoreboard& scoreboard);
std::vector<NamedCount> CountEnds(const Scoreboard& scoreboard);
// Answers by time: one more than kLatencyBoundsUs, not added up; and by class of status.
std::array<uint64_t, kLatencyBuckets> CountLatency(const Scoreboard& scoreboard);
std::array<uint64_t, 6> CountStatusClasses(const Scoreboard& scoreboard);

// "cheap", "pause", "sig9", "busy", "idle": what a worker does, in the words of the stats.
std::string WorkerStatus(const WorkerSlot& slot, bool is_paused);

}  // namespace uwsgi
