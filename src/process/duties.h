// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "process/duty.h"
#include "process/helper.h"

namespace uwsgi {

// What this configuration gives the master to look after, in the order in which it is begun.
std::vector<std::unique_ptr<Duty>> MakeDuties(const ProcessSpec& spec, const ServingParts& serving);

// The processes beside the workers.
std::vector<HelperPlace> MakeHelperPlaces(const ProcessSpec& spec, const ServingParts& serving);

}  // namespace uwsgi
