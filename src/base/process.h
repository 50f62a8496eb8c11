// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace uwsgi {

// Whether there is a process of this number, whoever owns it; one that has ended and was not waited
// for counts.
bool ProcessExists(pid_t pid);

}  // namespace uwsgi
