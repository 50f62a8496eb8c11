// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/duty.h"

namespace uwsgi {

// Looks each second whether the queue of a listening socket is full, so that clients are refused or
// wait outside it; says so, and raises the alarms that want to know.
class ListenQueueDuty final : public Duty {
 public:
  Status Begin(MasterDesk& desk) override;

 private:
  void Look();

  MasterDesk* desk_ = nullptr;
};

}  // namespace uwsgi
