// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "base/function.h"
#include "process/child_kind.h"
#include "shm/helper_slot.h"

namespace uwsgi {

// What a helper process is given. It ends in order on SIGTERM and SIGHUP, after what it is doing,
// and soon after `master_fd` is at its end.
struct HelperContext {
  int id = 1;  // 1..N within its kind
  int master_fd = -1;
  UniqueFunction<void()> report_ready;  // it has entered its loop
};

// The place of a process of the master that serves no requests: a mule, a spooler. The master keeps
// it filled.
struct HelperPlace {
  ChildKind kind = ChildKind::kMule;
  int id = 1;
  std::string title;     // "uWSGI mule 1"
  int64_t mercy_us = 0;  // to finish what it does when it is told to end
  HelperSlot* slot = nullptr;
  // Whether there is anything to do for it; empty: always. While there is not, the place stays
  // empty, until MasterDesk::FillPlaces finds that there is.
  UniqueFunction<bool()> is_wanted;
  // Runs in the child after the fork, all signals blocked; the exit status.
  UniqueFunction<int(HelperContext context)> main;
  // Lines for the log.
  UniqueFunction<std::string(pid_t pid)> spawned_line;
  UniqueFunction<std::string(pid_t pid, int wait_status)> died_line;
};

}  // namespace uwsgi
