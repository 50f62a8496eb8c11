// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/options.h"
#include "process/cheaper.h"

namespace uwsgi {

// What the options say about the number of workers. Values that do not fit together are corrected
// with a line in the log, as far as it is clear what was meant.
Result<ScalingSpec> PlanScaling(const Options& options);

}  // namespace uwsgi
