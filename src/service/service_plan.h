// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "service/caches.h"
#include "service/metrics.h"
#include "service/user_lock.h"

namespace uwsgi {

struct Options;

// What the services of applications need to know; a service that is not configured has no value.
struct ServiceSpecs {
  UserLocksSpec locks;
  CachesSpec caches;
  MetricsSpec metrics;
};

// Reads the options of all services. Errors name the option and where it was given.
Result<ServiceSpecs> PlanServices(const Options& options);

}  // namespace uwsgi
