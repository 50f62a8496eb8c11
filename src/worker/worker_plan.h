// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/options.h"
#include "worker/worker.h"

namespace uwsgi {

// What the options say about a worker. An error names the option and where it was given.
Result<WorkerSpec> PlanWorker(const Options& options);

}  // namespace uwsgi
