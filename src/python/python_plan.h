// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "python/python_spec.h"

namespace uwsgi {

struct Options;

// What the options say about Python; errors name the option and where it was given.
Result<PythonSpec> PlanPython(const Options& options);

}  // namespace uwsgi
