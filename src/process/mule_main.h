// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/helper.h"
#include "process/worker_main.h"

namespace uwsgi {

// The mules of this configuration, as places for the master to fill.
std::vector<HelperPlace> MakeMulePlaces(const ServingParts& parts);

}  // namespace uwsgi
