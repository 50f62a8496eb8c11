// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/result.h"
#include "config/options.h"

namespace uwsgi {

// Does what --spooler-list, --spooler-retry and --spooler-purge ask for, on a spool directory or on
// one task's file, whether a server works on it or not. The exit status; nothing when none of them
// was given. Only what was set aside is ever deleted.
Result<std::optional<int>> RunSpoolCommand(const Options& options);

}  // namespace uwsgi
