// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <vector>

namespace uwsgi {

// Waits as poll(2) does, without the GIL, and runs the handlers that Python code has set for
// signals of the system: also of one that arrives just before the wait, which poll(2) alone would
// sleep over. False when an exception has been raised. After a signal nothing is readable. The
// handler of a signal that comes in the moment before the wait runs with all signals blocked. Not
// noexcept: see GilRelease.
bool PollForSignals(std::vector<pollfd>& queues, int timeout_ms);

}  // namespace uwsgi
