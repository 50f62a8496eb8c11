// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "service/spooler.h"

namespace uwsgi {

// Calls `uwsgi.spooler`, as the application has set it by now, with a task. What it raises, or
// returns that is none of the known numbers, asks for another attempt. The GIL is held.
SpoolResult RunSpoolFunction(const SpoolTask& task, std::string_view name);

}  // namespace uwsgi
