// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "net/listener.h"

namespace uwsgi {

struct Options;

// The listeners that the options ask for: shared sockets first, then those of `http`, then the
// others, each group in the order in which they were given (reference 20 section 3).
Result<std::vector<ListenerSpec>> PlanListeners(const Options& options);

// How to serve sockets that nobody configured, because somebody else opened them for us.
Result<ListenerSpec> PlanInheritedListener(const Options& options);

}  // namespace uwsgi
