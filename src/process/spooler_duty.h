// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "net/file_watch.h"
#include "process/duty.h"
#include "service/spoolers.h"

namespace uwsgi {

// Starts the spoolers of directories in which there is something to do (spooler-cheap): at once
// when a task is put there, within a second when its time has come or it has a priority. They end
// by themselves.
class CheapSpoolerDuty final : public Duty {
 public:
  explicit CheapSpoolerDuty(const Spoolers& spoolers) : spoolers_(spoolers) {}

  Status Begin(MasterDesk& desk) override;
  void LeaveInChild() override { files_->LeaveInChild(); }

 private:
  const Spoolers& spoolers_;
  std::unique_ptr<FileWatch> files_;
};

}  // namespace uwsgi
