// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace uwsgi {

// The kernel's numbers of this process and this thread, remembered: asking costs more than taking a
// free lock.
pid_t OwnProcessId();
pid_t OwnThreadId();

// This thread, as no other thread is called, living or dead: the kernel gives the number of one
// that has ended to another. Never 0.
uint64_t OwnThreadMark();
// The number of the thread of a mark; 0 of 0.
pid_t ThreadIdOf(uint64_t mark);

}  // namespace uwsgi
