// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "process/duty.h"
#include "process/stats_plan.h"
#include "service/metric_files.h"
#include "service/metrics.h"

namespace uwsgi {

// Collects the metrics once a second, watches their thresholds and writes their files.
class MetricsDuty final : public Duty {
 public:
  // `metrics` outlives it.
  MetricsDuty(const MetricsSpec& spec, Metrics& metrics) : spec_(spec), metrics_(metrics) {}

  Status Begin(MasterDesk& desk) override;

 private:
  void Collect();

  const MetricsSpec& spec_;
  Metrics& metrics_;
  MasterDesk* desk_ = nullptr;
  std::optional<MetricWatch> watch_;
  std::optional<MetricFiles> files_;
  int64_t turn_ = 0;
};

}  // namespace uwsgi
