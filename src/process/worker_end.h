// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "process/child_table.h"
#include "process/end_reason.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// The process of a worker has ended.
struct WorkerEnd {
  pid_t pid = 0;
  int wait_status = 0;
  ChildEvent event = ChildEvent::kDied;
  bool is_stopping = false;  // the server stops
};

// Counts it by its reason, and the requests that it has left unanswered; says why it ended. `child`
// is as it was when that happened; what is no worker is left alone.
void NoteWorkerEnd(const Scoreboard& scoreboard, const Child& child, const WorkerEnd& end);

}  // namespace uwsgi
