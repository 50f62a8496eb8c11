// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/duty.h"
#include "process/fd_watches.h"

namespace uwsgi {

// Reloads the server when somebody writes to a descriptor that it was started with.
class FdReloadDuty final : public Duty {
 public:
  explicit FdReloadDuty(std::vector<FdReloadSpec> specs) : specs_(std::move(specs)) {}

  Status Begin(MasterDesk& desk) override;

 private:
  std::vector<FdReloadSpec> specs_;
  FdWatches watches_;
};

}  // namespace uwsgi
