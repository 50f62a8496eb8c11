// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/file_watch.h"
#include "process/duty.h"
#include "process/hooks.h"
#include "process/touch_spec.h"

namespace uwsgi {

// Runs a shell command as a child of the master and says in the log when it fails.
Status RunBeside(MasterDesk& desk, const std::string& command);

// Watches files and does what their options ask for when they have changed.
class TouchDuty final : public Duty {
 public:
  explicit TouchDuty(std::vector<TouchSpec> specs) : specs_(std::move(specs)) {}

  Status Begin(MasterDesk& desk) override;
  void LeaveInChild() override;

 private:
  void OnTouched(const TouchSpec& spec);

  std::vector<TouchSpec> specs_;
  MasterDesk* desk_ = nullptr;
  std::unique_ptr<FileWatch> watch_;
};

}  // namespace uwsgi
