// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "top/stats_model.h"

namespace uwsgi::top {

// What cannot be seen in one snapshot: requests per second of workers, cores and all, now and in
// the last minute. A server that started anew begins at nothing; a counter that goes back counts as
// no requests, never as less than none.
class History {
 public:
  static constexpr size_t kPoints = 60;

  // `now` is of MonotonicMicros() when the snapshot arrived, and grows from call to call.
  void Add(const Snapshot& snapshot, int64_t now);

  // Requests per second; 0 until two snapshots have come.
  [[nodiscard]] double total_rps() const;
  [[nodiscard]] double worker_rps(int64_t worker) const;
  [[nodiscard]] double core_rps(int64_t worker, int64_t core) const;

  // Their course, oldest first, a point per second or per snapshot, whichever is less often.
  [[nodiscard]] const std::deque<double>& total_course() const { return total_course_; }
  [[nodiscard]] const std::deque<double>& worker_course(int64_t worker) const;

  // Seconds between the two snapshots the rates come from; 0 when there are none.
  [[nodiscard]] double interval() const { return interval_; }

 private:
  struct Key {
    int64_t worker, core;  // core -1: the worker as a whole
    bool operator==(const Key&) const = default;
  };
  struct HashKey {
    size_t operator()(const Key& key) const;
  };
  using Counters = std::unordered_map<Key, int64_t, HashKey>;
  struct Sample {
    int64_t time;
    Counters requests;
  };

  static Counters CountersOf(const Snapshot& snapshot);
  void ForgetOld(int64_t now);
  void Remember(const Snapshot& snapshot, int64_t now);
  [[nodiscard]] double RateOf(const Key& key) const;

  int64_t server_ = 0;         // pid
  std::deque<Sample> window_;  // from the one the rates start at to the newest
  double interval_ = 0;
  int64_t last_point_ = 0;
  std::deque<double> total_course_;
  std::unordered_map<int64_t, std::deque<double>> worker_courses_;
};

}  // namespace uwsgi::top
