// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "net/listener.h"
#include "process/privileges.h"
#include "runtime/services.h"
#include "service/cron_board.h"
#include "service/mule_link.h"
#include "service/rpc_table.h"
#include "service/service_plan.h"
#include "service/signal_router.h"
#include "service/signal_triggers.h"
#include "shm/helper_slot.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// What serves requests, which some services look at, and how much of it there is.
struct ServedSize {
  int workers = 1;
  int cores = 1;
  size_t sockets = 0;
};
struct Served {
  const Scoreboard* scoreboard = nullptr;
  std::vector<const Listener*> listeners;
};

// Owner of all services, which are made before the first fork and live as long as the process.
class ServiceSet {
 public:
  ServiceSet() = default;
  ServiceSet(const ServiceSet&) = delete;
  ServiceSet& operator=(const ServiceSet&) = delete;

  // What Create() will carve.
  static void AddSize(SharedSize& size, const ServiceSpecs& specs, const ServedSize& served);
  // `alarms` outlives it. Goes on with the queues that the program before a reload has left.
  Status Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores, Alarms& alarms,
                std::vector<LeftQueue> left);
  // After Create(), once there is a scoreboard: the metrics, when they are wanted.
  Status CreateMetrics(SharedRegion& region, const MetricsSpec& spec, const Served& served);
  // Makes the directories that services work in and that are not there, while this process may
  // still be root, for the user that it will be.
  static Status PrepareFiles(const ServiceSpecs& specs, const IdentitySpec& identity);

  [[nodiscard]] const Services& services() const { return services_; }

 private:
  // Takes what it goes on with out of `left`.
  Status CreateBackground(SharedRegion& region, const BackgroundSpec& spec,
                          std::vector<LeftQueue>& left);

  std::optional<UserLocks> locks_;
  std::optional<Caches> caches_;
  std::optional<Metrics> metrics_;
  std::optional<SignalRouter> signals_;
  std::optional<SignalTriggers> triggers_;
  std::optional<MuleLink> mules_;
  std::optional<CronBoard> crons_;
  std::optional<Spoolers> spoolers_;
  std::optional<MessageQueue> queue_;
  std::optional<SharedAreas> areas_;
  std::optional<RpcTable> rpc_;
  Services services_;
};

}  // namespace uwsgi
