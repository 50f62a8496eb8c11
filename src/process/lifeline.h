// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// How children learn that nobody is above them any more. The kernel tells them where it can, by a
// descriptor of the process above (pidfd); else it is a pipe on which nothing is ever written. Its
// write end lives in one process only, the master or the first process; when that ends, in whatever
// way, the read end is at its end.
class Lifeline {
 public:
  static Result<Lifeline> Create();

  // For a child: readable, or at its end, when `parent`, whom the line belongs to, has ended.
  // Nobody else can hold it up by keeping a copy of the pipe.
  [[nodiscard]] int WatchInChild(pid_t parent);
  [[nodiscard]] int read_end() const { return pipe_.first.get(); }
  // A child, after the fork: what keeps the line open belongs to the parent.
  void LetGo();

  // Of masters that this process was before a reload: their workers have other lines, which must
  // stay open.
  void KeepOpen(int write_end) { older_.emplace_back(write_end); }
  void CloseOlder() { older_.clear(); }
  // All write ends, for the program that this process becomes.
  [[nodiscard]] std::vector<int> write_ends() const;

 private:
  explicit Lifeline(FdPair pipe) : pipe_(std::move(pipe)) {}

  FdPair pipe_;
  UniqueFd parent_;  // in a child
  std::vector<UniqueFd> older_;
};

}  // namespace uwsgi
