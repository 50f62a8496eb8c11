// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/helper.h"
#include "process/worker_main.h"

namespace uwsgi {

// A place for each process of each spool directory that is ours; empty when no spooler is
// configured.
std::vector<HelperPlace> MakeSpoolerPlaces(const ServingParts& parts);

}  // namespace uwsgi
