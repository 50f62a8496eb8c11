// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/duty.h"

namespace uwsgi {

// Reloads the server when somebody writes to a descriptor that it was started with.
class FdReloadDuty final : public Duty {
 public:
  explicit FdReloadDuty(std::vector<FdReloadSpec> specs) : specs_(std::move(specs)) {}

  Status Begin(MasterDesk& desk) override;

 private:
  struct Watched {
    const FdReloadSpec* spec = nullptr;
    WatchId watch = 0;
  };

  void OnReadable(Watched& watched);

  std::vector<FdReloadSpec> specs_;
  std::vector<Watched> watched_;
  MasterDesk* desk_ = nullptr;
};

}  // namespace uwsgi
