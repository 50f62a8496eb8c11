// SPDX-License-Identifier: Apache-2.0
#include "process/metrics_duty.h"

#include "base/log.h"
#include "process/stats_view.h"
#include "process/worker_main.h"
#include "service/alarm.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

}  // namespace

Status MetricsDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  for (const MetricSpec& metric : spec_.metrics) Log("added custom metric: {}", metric.name);
  watch_.emplace(TRY(MetricWatch::Create(metrics_, spec_.thresholds)));
  for (const MetricThreshold& threshold : spec_.thresholds)
    Log("added threshold for metric {} (value: {})", threshold.metric, threshold.value);
  Log("initialized {} metrics", metrics_.rows().size());
  if (!spec_.directory.empty()) files_.emplace(TRY(MetricFiles::Create(spec_.directory, metrics_)));
  metrics_.Collect(0);
  desk.loop().Every(kSecond, [this] { Collect(); });
  return {};
}

void MetricsDuty::Collect() {
  MeasureMemory(*desk_->serving().scoreboard);
  metrics_.Collect(++turn_);
  const Alarms* const alarms = desk_->serving().services->alarms;
  watch_->Check(turn_, [alarms](std::string_view alarm, std::string_view message) {
    const bool is_told = !alarm.empty() && alarms != nullptr && alarms->Raise(alarm, message);
    if (!is_told) LogDated("ALARM: {}", message);
  });
  if (files_) files_->Write();
}

}  // namespace uwsgi
