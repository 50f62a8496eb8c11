// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "config/options.h"
#include "python/python_spec.h"

namespace uwsgi {

Result<PythonSpec> PlanPython(const Options& options);

}  // namespace uwsgi
