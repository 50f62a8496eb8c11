// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/worker_main.h"
#include "worker/worker.h"

namespace uwsgi {

// How worker `id` takes its user signals between requests; none when signals are not served.
std::vector<Errand> SignalErrands(const ServingParts& parts, int id, int berth);

// Runs the handler of a signal in a mule or a spooler, on its main thread, and counts it. `what`
// and `id` are for the log: "mule", 1.
void RunHelperSignal(const ServingParts& parts, HelperSlot& slot, std::string_view what, int id,
                     uint8_t signal);

}  // namespace uwsgi
