// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/duty.h"

namespace uwsgi {

// Pauses the server and lets it go on: workers take no connections meanwhile, which wait in the
// listening sockets; what runs is finished, and kept connections are served.
class PauseDuty final : public Duty {
 public:
  Status Begin(MasterDesk& desk) override;
  bool OnCommand(MasterCommand command) override;

 private:
  void Set(bool paused);

  MasterDesk* desk_ = nullptr;
};

}  // namespace uwsgi
