// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "service/caches.h"

namespace uwsgi {

struct Options;

// Reads cache, cache2 and their companions. Errors name the option and where it was given.
Result<CachesSpec> PlanCaches(const Options& options);

}  // namespace uwsgi
