// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "request/request_spec.h"

namespace uwsgi {

struct Options;

Result<RequestSpec> PlanRequests(const Options& options);

}  // namespace uwsgi
