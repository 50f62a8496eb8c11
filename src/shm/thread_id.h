// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace uwsgi {

// The kernel's numbers of this process and this thread, remembered: asking costs more than taking a
// free lock.
pid_t OwnProcessId();
pid_t OwnThreadId();

}  // namespace uwsgi
