// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log_output.h"
#include "net/event_loop.h"
#include "net/mailbox.h"
#include "process/hand_over.h"
#include "process/log_process.h"
#include "process/privileges.h"
#include "service/alarm.h"
#include "service/log_spec.h"
#include "shm/region.h"

namespace uwsgi {

// Counters for all processes of the instance, for as long as this lives.
class SharedLogCounters {
 public:
  SharedLogCounters() = default;
  SharedLogCounters(const SharedLogCounters&) = delete;
  SharedLogCounters& operator=(const SharedLogCounters&) = delete;
  ~SharedLogCounters() { SetLogCounters(nullptr); }
  Status Open();

 private:
  std::optional<SharedRegion> region_;
};

struct LogRelaySpec {
  const LogSpec* log = nullptr;
  const IdentitySpec* identity = nullptr;  // whom the log process becomes; null: nobody else
  LogCounters* counters = nullptr;
  const Alarms* alarms = nullptr;  // that lines raise; null: none
  std::string title;               // of the log process; empty: none
  std::string main_path;  // of the file that descriptor 2 is; empty when it is none of ours
  int main_mode = -1;
  std::vector<pid_t> former;  // log processes of before a reload, to be reaped
};

// In a program that has taken another one's place: descriptors 1 and 2 are what they were before
// its log was captured.
void ReturnLogOutputs(HandOver& state);

// Where the lines of one process come from.
struct LogSeat {
  std::string process;  // master, worker, "mule 1" ...
  int worker = 0;
  UniqueFd read_end;
  UniqueFd write_end;
};

// The way from all processes to the one that writes the log. Descriptors 1 and 2 of each process
// are a pipe of its own: what anybody prints arrives as it is, lines of the server in frames
// (service/log_frame.h), without ever waiting for long. The first process owns the relay, starts
// the log process before anything else and, with a master, again when it has died: what was
// written meanwhile waits in the pipes. Children have their end of it from the fork.
class LogRelay {
 public:
  // Descriptors 1 and 2 are where the log goes without loggers; they are pipes afterwards.
  static Result<std::unique_ptr<LogRelay>> Start(LogRelaySpec spec);
  LogRelay(const LogRelay&) = delete;
  LogRelay& operator=(const LogRelay&) = delete;
  // Descriptors 1 and 2 are what they were; the log process has written what it had.
  ~LogRelay();

  // The log goes to this file from now on, where no logger takes it.
  Status SetMain(int fd, const std::string& path, int mode);
  // The file where it goes; empty for none of ours.
  [[nodiscard]] const std::string& main_path() const { return spec_.main_path; }
  void Rotate();
  void Reopen();

  // Around a fork: before it in the parent; after it in the child; after it in the parent.
  Result<LogSeat> Prepare(std::string process, int worker);
  void Enter(LogSeat seat);
  void NoteChild(LogSeat seat, pid_t pid);

  // From now on the loop watches over the log process.
  Status Attach(EventLoop& loop);
  // Nobody will watch over it: whoever writes shall notice when it is gone.
  void LeaveUnwatched();
  // In a child: what belongs to the parent alone goes.
  void LeaveInChild();
  // Before an exec: what the next program has to know. Old children speak on.
  void HandOverTo(HandOver& state);

 private:
  struct Source {
    std::string process;
    int worker;
    pid_t pid;
    UniqueFd read_end;
    bool is_told = false;
  };

  LogRelay(LogRelaySpec spec, Mailbox::Pair orders, FdPair lifeline, UniqueFd out, UniqueFd err);
  Status StartProcess();
  [[nodiscard]] std::vector<int> KeptFds(int reports) const;
  Status Capture();
  Status WaitUntilReady() const;
  void Tell(LogOrder order, const std::string& words = {}, int fd = -1);
  void TellOfSources();
  void WatchProcess();
  void OnProcessEnd();
  void Revive();
  void StartAgain(int64_t pause_s);
  void ReapFormer();
  void End();

  LogRelaySpec spec_;
  pid_t owner_;
  std::string token_;
  std::optional<Mailbox::Pair> orders_;
  FdPair lifeline_;
  UniqueFd out_;  // 1 and 2 of before
  UniqueFd err_;
  pid_t pid_ = 0;  // of the log process
  UniqueFd reports_;
  std::list<Source> sources_;
  EventLoop* loop_ = nullptr;
  WatchId watch_ = 0;
  int64_t started_us_ = 0;     // when the log process was
  int early_ends_ = 0;         // how often in a row it has not lived for long
  std::vector<pid_t> former_;  // ended, or of before a reload
};

}  // namespace uwsgi
