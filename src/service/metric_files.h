// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "service/metrics.h"

namespace uwsgi {

// Metrics as files that anybody can read (metrics-dir): one for each, named as it, with the number,
// a newline and NULs up to 4096 bytes. What others do to the files (cut, remove) costs their
// content and nothing else.
class MetricFiles {
 public:
  // Opens or makes the files of all metrics in the directory, which is there. `metrics` outlives
  // this.
  static Result<MetricFiles> Create(const std::string& directory, const Metrics& metrics);
  // All values as they are now.
  void Write();

 private:
  struct File {
    const Metrics::Row* row;
    int64_t written;
    bool is_written;
  };
  explicit MetricFiles(UniqueFd directory) : directory_(std::move(directory)) {}
  [[nodiscard]] bool WriteOne(const File& file, int64_t value) const;

  UniqueFd directory_;
  std::vector<File> files_;
};

// Metrics that count on from their last value start with what such files say (metrics-dir-restore);
// those without a file keep their initial value.
void RestoreMetrics(const std::string& directory, std::span<MetricSpec> metrics);

}  // namespace uwsgi
