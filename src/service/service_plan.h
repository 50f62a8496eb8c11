// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "service/alarm.h"
#include "service/background_plan.h"
#include "service/caches.h"
#include "service/message_queue.h"
#include "service/metrics.h"
#include "service/shared_area.h"
#include "service/spoolers.h"
#include "service/user_lock.h"

namespace uwsgi {

struct Options;

// What the services of applications need to know; a service that is not configured has no value.
struct ServiceSpecs {
  UserLocksSpec locks;
  CachesSpec caches;
  MetricsSpec metrics;
  std::optional<BackgroundSpec> background;  // what needs a master
  SpoolersSpec spoolers;
  std::optional<QueueSpec> queue;
  std::vector<SharedAreaSpec> areas;
  size_t most_rpc_functions = 64;
  AlarmsSpec alarms;
};

// Reads the options of all services. Errors name the option and where it was given.
Result<ServiceSpecs> PlanServices(const Options& options);

}  // namespace uwsgi
