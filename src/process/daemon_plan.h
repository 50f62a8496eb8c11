// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/options.h"
#include "process/daemon_spec.h"

namespace uwsgi {

// The programs of attach-daemon and its like, in the order given. An error names the option and
// where it was given.
Result<std::vector<DaemonSpec>> PlanDaemons(const Options& options);

}  // namespace uwsgi
