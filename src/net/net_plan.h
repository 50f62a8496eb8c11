// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "net/listener.h"

namespace uwsgi {

struct Options;

// The listeners that the options ask for: shared sockets first, then those of `http`, then the
// others, each group in the order in which they were given (reference 20 section 3).
Result<std::vector<ListenerSpec>> PlanListeners(const Options& options);

// The mode of UNIX sockets, -1 for that of the umask: `chmod-socket`, which is octal digits (the
// option's kind), bare or 1 for 666.
int PlanSocketMode(const Options& options);

// How to serve sockets that nobody configured, because somebody else opened them for us.
Result<ListenerSpec> PlanInheritedListener(const Options& options);

}  // namespace uwsgi
