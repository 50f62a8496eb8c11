// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace uwsgi {

// How the number of workers follows the load (reference 11 section 8). Everything here is a
// function of a snapshot and of the algorithm's own small memory; the master takes the snapshot
// once per check-interval and does what comes out.

enum class ScalingAlgorithm : uint8_t { kSpare, kSpare2, kBacklog, kBacklog2, kBusyness, kManual };
std::string_view NameOf(ScalingAlgorithm algorithm);
std::optional<ScalingAlgorithm> FindScalingAlgorithm(std::string_view name);
std::vector<std::string_view> ScalingAlgorithmNames();

// cheaper-busyness-*
struct BusynessSpec {
  int max_percent = 50;
  int min_percent = 25;
  int multiplier = 10;  // quiet windows before a worker is stopped
  int penalty = 2;      // windows added when a worker was stopped too soon
  bool verbose = false;
  int backlog_alert = 33;      // connections that wait
  int backlog_multiplier = 3;  // quiet windows before a worker of an emergency is stopped
  int backlog_step = 1;
  int backlog_nonzero_s = 60;  // any backlog for this long is an emergency too
};

struct ScalingSpec {
  bool enabled = false;  // `cheaper` is given: the number of workers changes
  ScalingAlgorithm algorithm = ScalingAlgorithm::kSpare;
  int most = 1;     // processes
  int least = 1;    // cheaper
  int initial = 1;  // cheaper-initial
  int step = 1;
  int overload = 3;
  int idle_s = 10;              // cheaper-idle, of spare2
  uint64_t rss_soft_limit = 0;  // bytes of all workers, 0 for none
  uint64_t rss_hard_limit = 0;
  BusynessSpec busyness;
};

// One worker as the scoreboard shows it. Times are monotonic microseconds.
struct ScalingWorker {
  int id = 0;
  bool active = false;    // it serves, or will when it has started; not: it is leaving
  bool starting = false;  // active, but not in its loop yet
  int busy_cores = 0;
  int64_t spawned_us = 0;
  int64_t running_us = 0;  // time inside requests since ever, the running ones included
};

struct ScalingView {
  int64_t now_us = 0;
  int cores = 1;  // of each worker
  std::vector<ScalingWorker> workers;
  int64_t backlog = 0;     // connections that wait at the fullest listener
  uint64_t rss_bytes = 0;  // of all workers, 0 when it is not measured

  [[nodiscard]] int active() const;
  [[nodiscard]] int starting() const;
  // Active workers that could take a request, and those that do nothing at all.
  [[nodiscard]] int free() const;
  [[nodiscard]] int idle() const;
};

struct ScalingDecision {
  int add = 0;
  int remove = 0;
  std::string note;  // for the log, when the algorithm was asked to talk
};

// What an algorithm remembers from one look to the next.
struct ScalingMemory {
  int overloaded = 0;  // looks in a row, more or less
  int quiet = 0;
  int64_t surplus_since_us = 0;
  // busyness
  int64_t window_began_us = 0;
  std::vector<int64_t> running_at_window;  // by worker
  int multiplier = 0;                      // as it stands, penalties included
  int windows_since_stop = -1;             // -1: none was stopped, or that is long ago
  int emergency_workers = 0;
  int64_t backlog_since_us = 0;
};

// How many workers to start or to stop now. Never beyond [least, most].
ScalingDecision Decide(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory);

// The worker to stop: of those that do nothing the one spawned longest ago; none when all are busy.
std::optional<int> ChooseWorkerToStop(const ScalingView& view);

}  // namespace uwsgi
