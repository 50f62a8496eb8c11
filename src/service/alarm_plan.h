// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "service/alarm.h"

namespace uwsgi {

struct Options;

// Reads alarm and the options that raise alarms. Errors name the option and where it was given.
Result<AlarmsSpec> PlanAlarms(const Options& options);

// The names of the kinds of alarms, each on a line.
std::string AlarmKinds();

}  // namespace uwsgi
