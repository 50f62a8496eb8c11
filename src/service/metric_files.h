// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/metrics.h"

namespace uwsgi {

// Metrics as files that anybody can read (metrics-dir): one for each, named as it, with the number,
// a newline and NULs up to 4096 bytes. They are mapped, so writing them never waits for a disk.
class MetricFiles {
 public:
  // Opens or makes the files of all metrics in the directory, which is there. `metrics` outlives
  // this.
  static Result<MetricFiles> Create(const std::string& directory, const Metrics& metrics);
  MetricFiles(MetricFiles&& other) noexcept : files_(std::move(other.files_)) {}
  MetricFiles& operator=(MetricFiles&&) = delete;
  ~MetricFiles();

  // All values as they are now.
  void Write();

 private:
  struct File {
    const Metrics::Row* row;
    char* text;
    int64_t written;
    bool is_written;
  };
  MetricFiles() = default;
  std::vector<File> files_;
};

// Metrics start with what such files say (metrics-dir-restore); those without a file keep their
// initial value.
void RestoreMetrics(const std::string& directory, std::span<MetricSpec> metrics);

}  // namespace uwsgi
