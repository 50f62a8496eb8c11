// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <signal.h>

#include <cerrno>

namespace uwsgi {

bool ProcessExists(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

}  // namespace uwsgi
