// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/function.h"
#include "net/event_loop.h"
#include "net/signal_source.h"
#include "process/hand_over.h"

namespace uwsgi {

// How this server was started, so that it can be started again: taken before anything is changed.
struct StartCommand {
  std::string binary;  // absolute
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // without what TakeStartOrder() removed
  std::string directory;                 // where it was started
};

// The trial before a reload: the same program is run as a child that loads the configuration and
// the application as they are now and ends. The master's alone; `loop` must outlive it.
class Trial {
 public:
  Trial(EventLoop& loop, const StartCommand& command) : loop_(loop), command_(command) {}
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() { Abandon(); }

  // Starts the trial; one that runs already is given up and a new one started, as files may have
  // changed since. `state` holds the listeners, whose descriptors stay open over the exec, and what
  // is compared with the new configuration.
  Status Start(const HandOver& state);
  [[nodiscard]] bool running() const { return pid_ != 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // The trial has ended with this status. What it has written is given back, for the log when it
  // failed.
  std::string Finish();
  // Kills it.
  void Abandon();
  // In a child after a fork: the trial is the parent's.
  void LeaveInChild();

 private:
  void ReadOutput();

  EventLoop& loop_;
  const StartCommand& command_;
  pid_t pid_ = 0;
  UniqueFd output_;
  WatchId watch_ = 0;
  std::string text_;
};

// Becomes the program that the command names; `state` and its descriptors stay, and so do the
// signals that have come to `signals`. Returns only when that failed, and then nothing has changed.
Error BecomeSuccessor(const StartCommand& command, const HandOver& state, SignalSource& signals);

// Becomes the program that the command names, with nothing of ours. Returns only when that failed.
Error BecomeProgram(const StartCommand& command);

}  // namespace uwsgi
