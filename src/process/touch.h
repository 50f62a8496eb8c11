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

// Watches files and does what their options ask for when they have changed. What is done to a file
// within a moment is one touch. A touch while the program is replaced is seen by the next one.
class TouchDuty final : public Duty {
 public:
  explicit TouchDuty(std::vector<TouchSpec> specs) : specs_(std::move(specs)) {}

  Status Begin(MasterDesk& desk) override;
  void BeforeExec() override;
  void LeaveNotes(HandOver& state) override;
  void LeaveInChild() override;

 private:
  struct Watched {
    FileWatchId id = 0;
    TimerId settling = 0;  // it has changed, and is given a moment to change again
    bool busy = false;     // what is to be done is being done beside the master
    bool again = false;    // and is to be done once more
  };

  void Watch(const TouchSpec& spec, Watched& watched);
  void OnChange(const TouchSpec& spec, Watched& watched);
  void OnTouched(const TouchSpec& spec, Watched& watched);
  Status Act(const TouchSpec& spec, Watched& watched);
  Status RunInFork(const Hook& hook, const TouchSpec& spec, Watched& watched);

  std::vector<TouchSpec> specs_;
  std::vector<Watched> watched_;  // of each spec
  MasterDesk* desk_ = nullptr;
  std::unique_ptr<FileWatch> watch_;
};

}  // namespace uwsgi
