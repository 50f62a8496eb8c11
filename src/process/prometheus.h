// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "process/stats_json.h"

namespace uwsgi {

// The figures in the text format of Prometheus, version 0.0.4. The names are those that the common
// exporter makes of the predecessor's stats, and behind them ours (docs/monitoring.md).
std::string WritePrometheus(const StatsView& view);

}  // namespace uwsgi
