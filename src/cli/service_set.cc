// SPDX-License-Identifier: Apache-2.0
#include "cli/service_set.h"

#include <unistd.h>

#include <utility>

#include "service/builtin_metrics.h"
#include "service/metric_files.h"

namespace uwsgi {
namespace {

constexpr uid_t kUnchanged = static_cast<uid_t>(-1);

// Found out now, by the user who will use them: later it would be tasks that fail.
Status CheckSpoolDirectories(const SpoolersSpec& spec) {
  for (const SpoolDirSpec& each : spec.directories) {
    const Status usable = SpoolDir(each.path).CheckUsable();
    if (!usable) return WithContext(each.origin, usable.error());
  }
  return {};
}

SignalRouterSpec RouterOf(const BackgroundSpec& spec) {
  return {.receivers = spec.receivers, .queue_bytes = spec.signal_queue_bytes};
}

}  // namespace

void ServiceSet::AddSize(SharedSize& size, const ServiceSpecs& specs, const ServedSize& served) {
  UserLocks::AddSize(size, specs.locks);
  if (specs.metrics.is_enabled) {
    const BuiltinMetricSize builtin{.workers = served.workers,
                                    .cores = specs.metrics.with_cores ? served.cores : 0,
                                    .sockets = served.sockets};
    Metrics::AddSize(size, BuiltinMetricCount(builtin) + specs.metrics.metrics.size());
  }
  if (specs.background) {
    SignalRouter::AddSize(size, RouterOf(*specs.background));
    SignalTriggers::AddSize(size);
    CronBoard::AddSize(size, specs.background->crons);
    size.Add<HelperSlot>(specs.background->mule_programs.size());
  }
  Spoolers::AddSize(size, specs.spoolers);
  SharedAreas::AddSize(size, specs.areas);
}

Status ServiceSet::Create(SharedRegion& region, const ServiceSpecs& specs, StoreUse stores,
                          Alarms& alarms, std::vector<LeftQueue> left) {
  services_.locks = &locks_.emplace(TRY(UserLocks::Create(region, specs.locks)));
  services_.caches = &caches_.emplace(TRY(Caches::Create(specs.caches, stores)));
  if (specs.queue)
    services_.queue = &queue_.emplace(TRY(MessageQueue::Create(*specs.queue, stores)));
  if (!specs.areas.empty())
    services_.areas = &areas_.emplace(TRY(SharedAreas::Create(region, specs.areas)));
  services_.rpc = &rpc_.emplace(specs.most_rpc_functions);
  services_.alarms = &alarms;
  if (!specs.spoolers.directories.empty()) {
    TRY_STATUS(CheckSpoolDirectories(specs.spoolers));
    services_.spoolers = &spoolers_.emplace(TRY(Spoolers::Create(region, specs.spoolers)));
  }
  if (specs.background) TRY_STATUS(CreateBackground(region, *specs.background, left));
  for (const LeftQueue& queue : left) {
    static_cast<void>(UniqueFd(queue.taking));
    static_cast<void>(UniqueFd(queue.giving));
  }
  return {};
}

Status ServiceSet::CreateBackground(SharedRegion& region, const BackgroundSpec& spec,
                                    std::vector<LeftQueue>& left) {
  services_.signals = &signals_.emplace(TRY(SignalRouter::Create(region, RouterOf(spec), left)));
  services_.triggers = &triggers_.emplace(TRY(SignalTriggers::Create(region)));
  services_.crons = &crons_.emplace(TRY(CronBoard::Create(region, spec.crons)));
  if (spec.mule_programs.empty()) return {};
  services_.mules = &mules_.emplace(TRY(MuleLink::Create(spec.mule_link)));
  mules_->Adopt(std::exchange(left, {}));
  services_.mule_slots = TRY(region.Carve<HelperSlot>(spec.mule_programs.size()));
  return {};
}

Status ServiceSet::CreateMetrics(SharedRegion& region, const MetricsSpec& spec,
                                 const Served& served) {
  if (!spec.is_enabled) return {};
  std::vector<MetricSpec> metrics =
      BuiltinMetrics(*served.scoreboard, services_.signals, served.listeners, spec.with_cores);
  metrics.insert(metrics.end(), spec.metrics.begin(), spec.metrics.end());
  if (spec.restores) RestoreMetrics(spec.directory, metrics);
  services_.metrics = &metrics_.emplace(TRY(Metrics::Create(region, std::move(metrics))));
  return {};
}

Status ServiceSet::PrepareFiles(const ServiceSpecs& specs, const IdentitySpec& identity) {
  uid_t owner = kUnchanged;
  gid_t group = static_cast<gid_t>(kUnchanged);
  if (::geteuid() == 0) {
    const auto [user, given_group] = TRY(FindIdentity(identity));
    if (user) owner = user->uid;
    if (user) group = user->gid.value_or(group);
    group = given_group.value_or(group);
  }
  for (const SpoolDirSpec& each : specs.spoolers.directories) {
    const Status prepared = SpoolDir(each.path).Prepare(owner, group);
    if (!prepared) return WithContext(each.origin, prepared.error());
  }
  return {};
}

}  // namespace uwsgi
