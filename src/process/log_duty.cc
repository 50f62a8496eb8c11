// SPDX-License-Identifier: Apache-2.0
#include "process/log_duty.h"

#include "process/log_file.h"
#include "process/log_relay.h"

namespace uwsgi {

Status LogDuty::Begin(MasterDesk& desk) {
  return relay_ != nullptr ? relay_->Attach(desk.loop()) : Status();
}

bool LogDuty::OnCommand(MasterCommand command) {
  if (command == MasterCommand::kRotateLog) {
    relay_ != nullptr ? relay_->Rotate() : RotateLogFile();
    return true;
  }
  if (command == MasterCommand::kReopenLog) {
    relay_ != nullptr ? relay_->Reopen() : ReopenLogFile();
    return true;
  }
  return false;
}

void LogDuty::LeaveInChild() {
  if (relay_ != nullptr) relay_->LeaveInChild();
}

}  // namespace uwsgi
