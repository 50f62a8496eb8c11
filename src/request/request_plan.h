// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/options.h"
#include "request/request_spec.h"

namespace uwsgi {

Result<RequestSpec> PlanRequests(const Options& options);

}  // namespace uwsgi
