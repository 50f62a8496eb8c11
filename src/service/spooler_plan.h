// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "service/spoolers.h"

namespace uwsgi {

struct Options;

// What the options say about spoolers. Directories are made absolute here, before the server
// changes its own, and need not exist yet.
Result<SpoolersSpec> PlanSpoolers(const Options& options);

}  // namespace uwsgi
