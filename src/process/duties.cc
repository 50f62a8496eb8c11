// SPDX-License-Identifier: Apache-2.0
#include "process/duties.h"

#include "process/alarm_duty.h"
#include "process/cron_duty.h"
#include "process/daemon_duty.h"
#include "process/departure.h"
#include "process/emperor_duty.h"
#include "process/emperor_link.h"
#include "process/fd_reload.h"
#include "process/listen_queue_duty.h"
#include "process/log_duty.h"
#include "process/master_fifo.h"
#include "process/metrics_duty.h"
#include "process/mule_main.h"
#include "process/pause.h"
#include "process/service_manager.h"
#include "process/signal_duty.h"
#include "process/spooler_duty.h"
#include "process/spooler_main.h"
#include "process/stats_push.h"
#include "process/stats_server.h"
#include "process/store_duty.h"
#include "process/touch.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

AlarmReach ReachOf(const Services& services) {
  AlarmReach reach;
  if (MuleLink* const mules = services.mules; mules != nullptr) {
    reach.tell_mule = [mules](int mule, std::string_view text) {
      if (mule <= mules->mules()) static_cast<void>(mules->SendToMule(mule, text));
    };
  }
  if (SignalRouter* const signals = services.signals; signals != nullptr)
    reach.send_signal = [signals](int signal) { signals->Send(static_cast<uint8_t>(signal)); };
  return reach;
}

}  // namespace

std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec& spec,
                                              const ServingParts& serving) {
  std::vector<std::unique_ptr<Duty>> duties;
  duties.push_back(std::make_unique<LogDuty>(serving.log));
  // It hears of every command, so it comes before those who take them.
  if (ServiceManager manager = ServiceManager::Find(); manager.exists()) {
    duties.push_back(std::make_unique<NotifyDuty>(std::move(manager)));
  }
  if (spec.stop_delay_us > 0) duties.push_back(std::make_unique<DepartureDuty>(spec.stop_delay_us));
  const Services& services = *serving.services;
  if (!services.caches->all().empty() || services.queue != nullptr)
    duties.push_back(std::make_unique<StoreDuty>(*services.caches, services.queue));
  if (!services.alarms->empty())
    duties.push_back(std::make_unique<AlarmDuty>(*services.alarms, ReachOf(services)));
  if (!serving.listeners.empty()) duties.push_back(std::make_unique<ListenQueueDuty>());
  duties.push_back(std::make_unique<PauseDuty>());
  if (!spec.fifos.empty()) {
    duties.push_back(std::make_unique<FifoDuty>(spec.fifos, spec.start_up.vacuum));
  }
  if (!spec.touches.empty()) duties.push_back(std::make_unique<TouchDuty>(spec.touches));
  if (!spec.fd_reloads.empty()) duties.push_back(std::make_unique<FdReloadDuty>(spec.fd_reloads));
  duties.push_back(std::make_unique<StatsServer>(spec.stats));
  if (Metrics* const metrics = serving.services->metrics; metrics != nullptr)
    duties.push_back(std::make_unique<MetricsDuty>(spec.stats.metrics, *metrics));
  if (!spec.stats.pushers.empty()) duties.push_back(std::make_unique<StatsPush>(spec.stats));
  if (!spec.stats.carbon.addresses.empty())
    duties.push_back(std::make_unique<CarbonPush>(spec.stats));
  if (const Spoolers* const spoolers = serving.services->spoolers;
      spoolers != nullptr && spoolers->spec().is_cheap) {
    duties.push_back(std::make_unique<CheapSpoolerDuty>(*spoolers));
  }
  if (spec.vassal.fd >= 0) duties.push_back(std::make_unique<EmperorLink>(spec.vassal));
  if (spec.emperor.is_on()) duties.push_back(std::make_unique<EmperorDuty>(spec.emperor));
  if (serving.background != nullptr) {
    auto crons = std::make_unique<CronDuty>(*services.crons, *services.signals);
    auto signals = std::make_unique<SignalDuty>(*services.signals, *services.triggers,
                                                *serving.background, *crons);
    duties.push_back(std::move(crons));
    duties.push_back(std::move(signals));
  }
  // Even without any: those of the former program may have to end.
  duties.push_back(std::make_unique<DaemonDuty>(spec.daemons, spec.daemon_mercy_us));
  return duties;
}

std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec&, const ServingParts& serving) {
  std::vector<HelperPlace> places = MakeSpoolerPlaces(serving);
  for (HelperPlace& mule : MakeMulePlaces(serving)) places.push_back(std::move(mule));
  return places;
}

}  // namespace uwsgi
