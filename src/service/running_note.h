// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/spool_dir.h"
#include "service/unshared_fd.h"

namespace uwsgi {

// Says on disk which task a process is running, so that whoever looks later can lay its death to
// the task. One file for each process, in .running/, locked as long as the process lives. One write
// of a few bytes begins a task and one ends it.
class RunningNote {
 public:
  static Result<RunningNote> Create(const SpoolDir& dir);

  // The task that begins now, as a path below the directory; and that it is over.
  void Begin(std::string_view task) const;
  void End() const;
  // The process is being stopped: should it be killed from here on, the task is not to blame. Also
  // for signal handlers.
  void ForgiveDeath() const;
  // Before the end of the process, in order.
  void Remove() const;

  // The tasks that notes say are running, as paths below the directory: of the living and of the
  // dead. Notes of the dead that name none, or one that is gone, are removed.
  static std::vector<std::string> Running(const SpoolDir& dir);
  // For whoever has the lock of the task: a process that is noted to run it is dead, or dying, as
  // the kernel lets go of the task and of the note one after the other. How many there were; each
  // is told of once.
  static int TakeDeaths(const SpoolDir& dir, std::string_view task);
  // The processes of this host that work on the directory.
  static std::vector<pid_t> Living(const SpoolDir& dir);

 private:
  RunningNote(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UnsharedFd fd_;
  std::string path_;
};

}  // namespace uwsgi
