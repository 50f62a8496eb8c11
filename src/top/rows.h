// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "top/history.h"
#include "top/stats_model.h"

namespace uwsgi::top {

// Which lines the table has: workers, workers with their cores below them, or cores alone.
enum class CoreMode : uint8_t { kWorkers, kBelowWorkers, kMerged };

// One line of the table before anything is text: a worker or a core. A core has numbers of its own
// only for what is counted per core; `is_core` tells.
struct Row {
  bool is_core = false;
  std::string wid;  // "3", " :1" below its worker, "3:1" merged
  int64_t worker = 0, core = -1;
  double share = 0;  // of all requests, in percent
  double rps = 0;
  int64_t pid = 0, requests = 0, exceptions = 0, signals = 0, harakiris = 0, respawns = 0;
  int64_t average_time = 0, running_time = 0, rss = 0, vsz = 0, tx = 0, last_spawn = 0;
  std::string status;
  std::deque<double> course;  // requests per second
  // The request it serves now; of a worker the one that runs longest. Empty: none.
  std::string request, client;
  int64_t request_start = 0;  // epoch seconds, 0: unknown
};

// A worker's line and the lines of its cores, in the order of their numbers.
struct RowGroup {
  Row worker;
  std::vector<Row> cores;
};

std::vector<RowGroup> MakeRowGroups(const Snapshot& snapshot, const History& history);

// The lines of the table in that mode, in the order of the groups.
std::vector<Row> Flatten(std::vector<RowGroup> groups, CoreMode mode);

}  // namespace uwsgi::top
