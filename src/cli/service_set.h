// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "runtime/services.h"
#include "service/cron_board.h"
#include "service/mule_link.h"
#include "service/service_plan.h"
#include "service/signal_router.h"
#include "service/signal_triggers.h"
#include "shm/helper_slot.h"

namespace uwsgi {

// Owner of all services, which are made before the first fork and live as long as the process.
class ServiceSet {
 public:
  ServiceSet() = default;
  ServiceSet(const ServiceSet&) = delete;
  ServiceSet& operator=(const ServiceSet&) = delete;

  // What Create() will carve.
  static void AddSize(SharedSize& size, const ServiceSpecs& specs);
  Status Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores);

  [[nodiscard]] const Services& services() const { return services_; }

 private:
  Status CreateBackground(SharedRegion& region, const BackgroundSpec& spec);

  std::optional<UserLocks> locks_;
  std::optional<Caches> caches_;
  std::optional<SignalRouter> signals_;
  std::optional<SignalTriggers> triggers_;
  std::optional<MuleLink> mules_;
  std::optional<CronBoard> crons_;
  Services services_;
};

}  // namespace uwsgi
