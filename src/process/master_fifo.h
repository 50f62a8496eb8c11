// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "process/duty.h"

namespace uwsgi {

// What one byte written to the FIFO asks for (reference 11 section 5); kIgnore for bytes that ask
// for nothing, newlines among them.
MasterCommand FifoCommandOf(char key);

// A row for each such byte, for docs and tests.
struct FifoKey {
  char key;
  MasterCommand command;
  std::string_view meaning;
};
std::vector<FifoKey> FifoKeys();

// Named pipes that take commands of one letter. There is one at a time: the digits 0 to 9 choose
// which of the configured paths it is.
class FifoDuty final : public Duty {
 public:
  // `paths` is not empty. Files that were there are replaced; the one in use is removed at the end
  // when `vacuum` says so.
  FifoDuty(std::vector<std::string> paths, bool vacuum);

  Status Begin(MasterDesk& desk) override;
  void OnChildrenGone() override;
  void LeaveNotes(HandOver& state) override;
  void ListFiles(std::vector<std::string>& paths) const override { paths.push_back(paths_[slot_]); }
  void LeaveInChild() override { fifo_.Reset(); }

 private:
  bool Inherit();
  Status Open(size_t slot);
  Status Watch(size_t slot);
  void Close();
  void ReadKeys();
  void Choose(size_t slot);

  std::vector<std::string> paths_;
  bool vacuum_;
  MasterDesk* desk_ = nullptr;
  size_t slot_ = 0;
  UniqueFd fifo_;
  WatchId watch_ = 0;
};

}  // namespace uwsgi
