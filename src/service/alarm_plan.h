// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "service/alarm.h"

namespace uwsgi {

struct Options;

// Reads alarm and the options that raise alarms. Errors name the option and where it was given.
Result<AlarmsSpec> PlanAlarms(const Options& options);

}  // namespace uwsgi
