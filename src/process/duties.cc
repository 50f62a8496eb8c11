// SPDX-License-Identifier: Apache-2.0
#include "process/duties.h"

#include "process/cron_duty.h"
#include "process/mule_main.h"
#include "process/signal_duty.h"
#include "process/worker_main.h"

namespace uwsgi {

std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec&, const ServingParts& serving) {
  std::vector<std::unique_ptr<Duty>> duties;
  if (serving.background != nullptr) {
    const Services& services = *serving.services;
    auto crons = std::make_unique<CronDuty>(*services.crons, *services.signals);
    auto signals = std::make_unique<SignalDuty>(*services.signals, *services.triggers,
                                                *serving.background, *crons);
    duties.push_back(std::move(crons));
    duties.push_back(std::move(signals));
  }
  return duties;
}

std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec&, const ServingParts& serving) {
  return MakeMulePlaces(serving);
}

}  // namespace uwsgi
