// SPDX-License-Identifier: Apache-2.0
#include "process/duties.h"

namespace uwsgi {

std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec&, const ServingParts&) {
  return {};
}

std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec&, const ServingParts&) { return {}; }

}  // namespace uwsgi
