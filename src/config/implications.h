// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/options.h"

namespace uwsgi {

// What follows from the options once all are applied: options that switch others on, limits that
// are raised, parts that are asked for by name. Warns through the log; asking for a part that must
// be there and is not is an error.
Status ApplyImplications(Options& options);

}  // namespace uwsgi
