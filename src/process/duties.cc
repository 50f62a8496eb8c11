// SPDX-License-Identifier: Apache-2.0
#include "process/duties.h"

#include "process/emperor_duty.h"
#include "process/emperor_link.h"
#include "process/master_fifo.h"
#include "process/metrics_duty.h"
#include "process/pause.h"
#include "process/stats_push.h"
#include "process/stats_server.h"
#include "process/touch.h"
#include "process/worker_main.h"

namespace uwsgi {

std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec& spec,
                                              const ServingParts& serving) {
  std::vector<std::unique_ptr<Duty>> duties;
  duties.push_back(std::make_unique<PauseDuty>());
  if (!spec.fifos.empty()) {
    duties.push_back(std::make_unique<FifoDuty>(spec.fifos, spec.start_up.vacuum));
  }
  if (!spec.touches.empty()) duties.push_back(std::make_unique<TouchDuty>(spec.touches));
  if (spec.vassal.fd >= 0) duties.push_back(std::make_unique<EmperorLink>(spec.vassal));
  if (spec.emperor.is_on()) duties.push_back(std::make_unique<EmperorDuty>(spec.emperor));
  if (spec.stats.is_served) duties.push_back(std::make_unique<StatsServer>(spec.stats));
  if (Metrics* const metrics = serving.services->metrics; metrics != nullptr)
    duties.push_back(std::make_unique<MetricsDuty>(spec.stats.metrics, *metrics));
  if (!spec.stats.pushers.empty()) duties.push_back(std::make_unique<StatsPush>(spec.stats));
  if (!spec.stats.carbon.addresses.empty())
    duties.push_back(std::make_unique<CarbonPush>(spec.stats));
  return duties;
}

std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec&, const ServingParts&) { return {}; }

}  // namespace uwsgi
