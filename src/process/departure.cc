// SPDX-License-Identifier: Apache-2.0
#include "process/departure.h"

#include "base/log.h"
#include "process/worker_main.h"

namespace uwsgi {

Status DepartureDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  return {};
}

bool DepartureDuty::OnCommand(MasterCommand command) {
  if (command != MasterCommand::kStop || desk_->is_stopping() || is_due_) return false;
  is_due_ = timer_ != 0;
  if (is_due_) return false;
  LogDated("*** the server is going to stop in {} seconds and serves until then ***",
           delay_us_ / 1'000'000);
  desk_->serving().scoreboard->leaving().store(true, std::memory_order_relaxed);
  timer_ = desk_->loop().After(delay_us_, [this] {
    is_due_ = true;
    desk_->Command(MasterCommand::kStop, {});
  });
  return true;
}

void DepartureDuty::OnStopping() { desk_->loop().Cancel(timer_); }

}  // namespace uwsgi
