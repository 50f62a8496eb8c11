// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/options.h"
#include "process/hooks.h"
#include "process/wait_for.h"

namespace uwsgi {

// What is to be done at each phase of the life of processes: hook-, mount-, umount-, exec- and
// call- options, in this order within a phase. An error names the option and where it was given.
Result<HookSpec> PlanHooks(const Options& options);

// Paths, interfaces and addresses the start waits for (wait-for-*), in the order given.
std::vector<WaitSpec> PlanWaits(const Options& options);

}  // namespace uwsgi
