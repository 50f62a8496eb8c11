// SPDX-License-Identifier: Apache-2.0
#include "process/pause.h"

#include <signal.h>

#include "base/log.h"
#include "process/messages.h"
#include "process/worker_main.h"

namespace uwsgi {

Status PauseDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  return {};
}

bool PauseDuty::OnCommand(MasterCommand command) {
  const bool paused = desk_->serving().scoreboard->paused().load(std::memory_order_relaxed);
  switch (command) {
    case MasterCommand::kTogglePause:
      Set(!paused);
      return true;
    case MasterCommand::kPause:
      if (!paused) Set(true);
      return true;
    case MasterCommand::kResume:
      if (paused) Set(false);
      return true;
    default:
      return false;
  }
}

void PauseDuty::Set(bool paused) {
  if (desk_->is_stopping()) return;
  if (paused) LogDatedLine(message::kPaused);
  desk_->serving().scoreboard->paused().store(paused, std::memory_order_relaxed);
  for (const Child& child : desk_->children().all()) {
    if (child.kind == ChildKind::kWorker && child.has_process()) ::kill(child.pid, SIGWINCH);
  }
}

}  // namespace uwsgi
