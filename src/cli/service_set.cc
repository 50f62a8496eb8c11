// SPDX-License-Identifier: Apache-2.0
#include "cli/service_set.h"

#include <utility>

#include "service/builtin_metrics.h"
#include "service/metric_files.h"

namespace uwsgi {

void ServiceSet::AddSize(SharedSize& size, const ServiceSpecs& specs, const ServedSize& served) {
  UserLocks::AddSize(size, specs.locks);
  if (specs.metrics.is_enabled) {
    const BuiltinMetricSize builtin{.workers = served.workers,
                                    .cores = specs.metrics.with_cores ? served.cores : 0,
                                    .sockets = served.sockets};
    Metrics::AddSize(size, BuiltinMetricCount(builtin) + specs.metrics.metrics.size());
  }
}

Status ServiceSet::Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores) {
  services_.locks = &locks_.emplace(TRY(UserLocks::Create(region, specs.locks)));
  services_.caches = &caches_.emplace(TRY(Caches::Create(specs.caches, stores)));
  return {};
}

Status ServiceSet::CreateMetrics(SharedRegion& region, const MetricsSpec& spec,
                                 const Served& served) {
  if (!spec.is_enabled) return {};
  std::vector<MetricSpec> metrics =
      BuiltinMetrics(*served.scoreboard, served.listeners, spec.with_cores);
  metrics.insert(metrics.end(), spec.metrics.begin(), spec.metrics.end());
  if (spec.restores) RestoreMetrics(spec.directory, metrics);
  services_.metrics = &metrics_.emplace(TRY(Metrics::Create(region, std::move(metrics))));
  return {};
}

}  // namespace uwsgi
