// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "service/cron.h"
#include "shm/region.h"

namespace uwsgi {

// Written by the master.
struct CronSlot {
  std::atomic<pid_t> pid{0};          // of the run that began last; 0: it is over
  std::atomic<int64_t> started_s{0};  // seconds since 1970
};

// The commands of the configuration, and for everybody to see which of them run.
class CronBoard {
 public:
  static void AddSize(SharedSize& size, const std::vector<CronJob>& jobs) {
    size.Add<CronSlot>(jobs.size());
  }
  static Result<CronBoard> Create(SharedRegion& region, std::vector<CronJob> jobs) {
    const auto slots = TRY(region.Carve<CronSlot>(jobs.size()));
    return CronBoard(std::move(jobs), slots);
  }

  [[nodiscard]] const std::vector<CronJob>& jobs() const { return jobs_; }
  [[nodiscard]] CronSlot& slot(size_t job) const { return slots_[job]; }

 private:
  CronBoard(std::vector<CronJob> jobs, std::span<CronSlot> slots)
      : jobs_(std::move(jobs)), slots_(slots) {}
  std::vector<CronJob> jobs_;
  std::span<CronSlot> slots_;
};

}  // namespace uwsgi
