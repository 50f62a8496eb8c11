// SPDX-License-Identifier: Apache-2.0
#include "service/service_plan.h"

#include "config/options.h"
#include "service/cache_plan.h"
#include "service/metrics_plan.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostLocks = 65536;

Result<UserLocksSpec> PlanLocks(const Options& options) {
  if (options.locks < 0 || options.locks > kMostLocks) {
    return Fail("locks = {}: it must be between 0 and {} ({})", options.locks, kMostLocks,
                options.OriginOf("locks").text());
  }
  return UserLocksSpec{.count = static_cast<int>(options.locks)};
}

}  // namespace

Result<ServiceSpecs> PlanServices(const Options& options) {
  ServiceSpecs specs;
  specs.locks = TRY(PlanLocks(options));
  specs.caches = TRY(PlanCaches(options));
  specs.metrics = TRY(PlanMetrics(options));
  return specs;
}

}  // namespace uwsgi
