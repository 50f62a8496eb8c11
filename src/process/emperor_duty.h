// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/duty.h"
#include "process/emperor_plan.h"

namespace uwsgi {

// An Emperor under a master that serves, too: a child of its own, which is started again when it
// dies. It does not survive a reload of the master; its vassals end in order and are started by the
// next one.
class EmperorDuty final : public Duty {
 public:
  explicit EmperorDuty(const EmperorSpec& spec) : spec_(spec) {}

  Status Begin(MasterDesk& desk) override;
  bool OnCommand(MasterCommand command) override;
  void OnStopping() override;
  [[nodiscard]] bool IsDone() const override { return pid_ == 0; }
  void BeforeExec() override;

 private:
  Status Start();
  void OnEnd(int wait_status);
  int RunEmperor();

  const EmperorSpec& spec_;
  MasterDesk* desk_ = nullptr;
  pid_t pid_ = 0;
};

}  // namespace uwsgi
