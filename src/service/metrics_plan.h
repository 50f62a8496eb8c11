// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/metrics.h"

namespace uwsgi {

struct Options;

// What the options say about metrics. Names the option and where it was given when it makes no
// sense.
Result<MetricsSpec> PlanMetrics(const Options& options);

}  // namespace uwsgi
