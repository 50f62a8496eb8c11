// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/worker.h"

namespace uwsgi {

struct Options;

struct Options;

// What the options say about a worker. An error names the option and where it was given.
Result<WorkerSpec> PlanWorker(const Options& options);

}  // namespace uwsgi
