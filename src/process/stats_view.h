// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/duty.h"
#include "process/readiness.h"
#include "process/stats_json.h"
#include "process/stats_plan.h"

namespace uwsgi {

// Looks at everything that the stats show. By the master; never waits.
StatsView LookAround(MasterDesk& desk, const StatsSpec& spec);

ReadinessFacts FactsOfReadiness(MasterDesk& desk, const StatsSpec& spec);

// Measures the memory of the workers (rss, vsz in the scoreboard); one without a process has none.
// compat: without memory-report the predecessor shows 0.
void MeasureMemory(const Scoreboard& scoreboard);

}  // namespace uwsgi
