// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shm/region.h"

namespace uwsgi {

// What a metric counts; the numbers are those of the stats.
enum class MetricType : uint8_t { kCounter = 0, kGauge = 1, kAbsolute = 2, kAlias = 3 };

// Where its value comes from, once in a while.
enum class MetricCollector : uint8_t {
  kNone,         // applications set it
  kSource,       // the server asks itself
  kFile,         // a word of a file
  kSum,          // of its children
  kAverage,      // of its children
  kAccumulator,  // what it was plus the sum of its children
  kAdder,        // the sum of its children plus a number
  kMultiplier,   // the sum of its children times a number
};

// One metric; made by metrics_plan from the options, or one of those that are always there.
struct MetricSpec {
  std::string name;  // letters, digits, '.', '-' and '_'
  std::string oid;
  MetricType type = MetricType::kCounter;
  MetricCollector collector = MetricCollector::kNone;
  int64_t initial_value = 0;           // added to whatever is collected
  std::optional<int64_t> first_value;  // what it starts with instead, when it was kept
  int64_t every_s = 1;                 // seconds between collections
  std::string file;
  int64_t number = 0;  // which word of the file; what is added or multiplied with
  std::vector<std::string> children;
  std::string alias;                // the metric that this one is another name of
  bool reset_after_push = false;    // back to the initial value once it has been sent away
  std::function<int64_t()> source;  // of kSource
  std::string origin;               // "site.ini:4", for messages
};

// What is said when a metric reaches a value.
struct MetricThreshold {
  std::string metric;
  int64_t value = 0;
  std::string alarm;    // who is told; empty: the log
  std::string message;  // empty: the metric's name
  int64_t pause_s = 0;  // at least so long between two reports
  bool resets = false;  // the metric becomes reset_to when it is reported
  int64_t reset_to = 0;
  std::string origin;
};

struct MetricsSpec {
  bool is_enabled = false;
  bool with_cores = true;
  std::vector<MetricSpec> metrics;
  std::vector<MetricThreshold> thresholds;
  std::string directory;  // one file for each metric; empty for none
  bool restores = false;  // the values of those files are the first ones
};

// Numbers with names, in memory that all processes share. Every one is an atomic by itself, so
// nobody waits for anybody and a process that dies leaves nothing half done. Get and what changes a
// value may be called by any process and thread; the rest is the collecting process's.
class Metrics {
 public:
  struct Row {
    MetricSpec spec;
    std::atomic<int64_t>* value = nullptr;  // of the metric itself, or of the one it is an alias of
    std::vector<const Row*> children;
    [[nodiscard]] int64_t Get() const { return value->load(std::memory_order_relaxed); }
  };

  static void AddSize(SharedSize& size, size_t metrics) { size.Add<std::atomic<int64_t>>(metrics); }
  // A name that is given twice, or names a metric that is not there, is an error.
  static Result<Metrics> Create(SharedRegion& region, std::vector<MetricSpec> metrics);

  // 0 for a name that is not known.
  [[nodiscard]] int64_t Get(std::string_view name) const;
  // These change what applications may change: false for unknown names, for what is collected, and
  // for a division by 0. Overflow wraps around.
  bool Set(std::string_view name, int64_t value);
  bool Add(std::string_view name, int64_t amount);
  bool Multiply(std::string_view name, int64_t factor);
  bool Divide(std::string_view name, int64_t divisor);
  bool RaiseTo(std::string_view name, int64_t value);
  // compat: only to values above the initial one.
  bool LowerTo(std::string_view name, int64_t value);

  [[nodiscard]] std::span<const Row> rows() const { return rows_; }
  [[nodiscard]] const Row* Find(std::string_view name) const;

  // Takes in what is due `turn` seconds after the start.
  void Collect(int64_t turn);
  // This value of the metric has been sent away.
  static void Pushed(const Row& row, int64_t value);

 private:
  Metrics() = default;
  [[nodiscard]] const Row* FindSettable(std::string_view name) const;
  Status Connect();

  std::vector<Row> rows_;  // never grows after Create: others point into it
  std::unordered_map<std::string_view, const Row*> by_name_;
};

// Watches thresholds. The collecting process's.
class MetricWatch {
 public:
  // `report(alarm, message)`; an unknown metric is an error.
  static Result<MetricWatch> Create(const Metrics& metrics,
                                    std::vector<MetricThreshold> thresholds);
  template <typename F>
  void Check(int64_t now_s, F&& report) {
    for (Watched& watched : watched_) {
      if (IsDue(watched, now_s))
        report(std::string_view(watched.threshold.alarm), std::string_view(watched.message));
    }
  }

 private:
  struct Watched {
    MetricThreshold threshold;
    const Metrics::Row* row;
    std::string message;
    int64_t silent_until_s = 0;
  };
  static bool IsDue(Watched& watched, int64_t now_s);
  std::vector<Watched> watched_;
};

}  // namespace uwsgi
