// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/options.h"
#include "process/touch_spec.h"

namespace uwsgi {

// Paths of master-fifo, slot 0 first; an error when there are more than there are digits.
Result<std::vector<std::string>> PlanFifos(const Options& options);

// Files whose change makes the master do something (touch-*, fs-*, hook-touch).
Result<std::vector<TouchSpec>> PlanTouches(const Options& options);

// Descriptors that reload the server (reload-on-fd, brutal-reload-on-fd); those that are not open
// are an error.
Result<std::vector<FdReloadSpec>> PlanFdReloads(const Options& options);

}  // namespace uwsgi
