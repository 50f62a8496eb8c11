// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/duty.h"

namespace uwsgi {

class LogRelay;

// Watches over the log process, and has the log rotated or opened again.
class LogDuty final : public Duty {
 public:
  // Null: every process writes its lines itself.
  explicit LogDuty(LogRelay* relay) : relay_(relay) {}

  Status Begin(MasterDesk& desk) override;
  bool OnCommand(MasterCommand command) override;
  void LeaveInChild() override;

 private:
  LogRelay* relay_;
};

}  // namespace uwsgi
