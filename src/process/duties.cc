// SPDX-License-Identifier: Apache-2.0
#include "process/duties.h"

#include "process/master_fifo.h"
#include "process/pause.h"
#include "process/spooler_main.h"
#include "process/touch.h"

namespace uwsgi {

std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec& spec, const ServingParts&) {
  std::vector<std::unique_ptr<Duty>> duties;
  duties.push_back(std::make_unique<PauseDuty>());
  if (!spec.fifos.empty()) {
    duties.push_back(std::make_unique<FifoDuty>(spec.fifos, spec.start_up.vacuum));
  }
  if (!spec.touches.empty()) duties.push_back(std::make_unique<TouchDuty>(spec.touches));
  return duties;
}

std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec&, const ServingParts& serving) {
  return MakeSpoolerPlaces(serving);
}

}  // namespace uwsgi
