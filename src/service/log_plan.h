// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "service/log_spec.h"

namespace uwsgi {

struct Options;

// Where lines of the log go. An error names the option and where it was given.
Result<LogSpec> PlanLog(const Options& options);

// Whether `logto` names an address, to which lines go as datagrams, and not a file.
bool IsLogAddress(std::string_view logto);

// "[ID ]KIND[:ARGUMENT]", as in logger.
Result<LoggerSpec> ParseLogger(std::string_view text);

// The kinds of loggers, for --logger-list.
std::string LoggerKinds();

}  // namespace uwsgi
