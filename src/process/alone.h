// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/worker_main.h"

namespace uwsgi {

// A server without a master: this process is worker 1. It forks workers 2..N, which nobody replaces
// when they end and which end with it. `on_started` is called once, when this worker serves;
// `clean_up` when the process has to end in the middle of things, on any thread. The result is the
// exit status of the server.
Result<int> ServeAlone(const ServingParts& parts, UniqueFunction<void()> on_started,
                       UniqueFunction<void()> clean_up);

}  // namespace uwsgi
