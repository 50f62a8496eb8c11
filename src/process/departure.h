// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "process/duty.h"

namespace uwsgi {

// shutdown-delay: a stop begins later, so that load balancers, which learn that we are about to go,
// have time to look elsewhere. Clients are served as ever meanwhile. Asked once more, the stop
// begins at once; so does a prompt one.
class DepartureDuty final : public Duty {
 public:
  explicit DepartureDuty(int64_t delay_us) : delay_us_(delay_us) {}

  Status Begin(MasterDesk& desk) override;
  bool OnCommand(MasterCommand command) override;
  void OnStopping() override;

 private:
  int64_t delay_us_;
  MasterDesk* desk_ = nullptr;
  TimerId timer_ = 0;
  bool is_due_ = false;
};

}  // namespace uwsgi
