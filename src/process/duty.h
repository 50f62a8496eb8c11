// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "net/event_loop.h"
#include "process/child_table.h"
#include "process/fork.h"
#include "process/hand_over.h"
#include "process/master_command.h"
#include "process/process_plan.h"
#include "shm/scoreboard.h"

namespace uwsgi {

struct ServingParts;
struct HandOver;

// An attached daemon, for those who show it.
struct DaemonInfo {
  std::string command;
  pid_t pid = 0;  // 0: it does not run
  uint64_t respawns = 0;
};

// What the master lets its duties do. Outlives them; used on the master's only thread.
class MasterDesk {
 public:
  virtual ~MasterDesk() = default;
  [[nodiscard]] virtual EventLoop& loop() = 0;
  [[nodiscard]] virtual const ServingParts& serving() const = 0;
  [[nodiscard]] virtual ChildTable& children() = 0;
  // What the program before a reload has left; null at a first start.
  [[nodiscard]] virtual HandOver* predecessor() const = 0;
  // Every worker of this start has served.
  [[nodiscard]] virtual bool is_started() const = 0;
  [[nodiscard]] virtual bool is_stopping() const = 0;
  // What the master, or the duty that knows how, shall do; `why` is for the log.
  virtual void Command(MasterCommand command, std::string_view why) = 0;
  // A program as a child of the master; `on_end` gets its wait status. Whoever started it ends it
  // when the server stops.
  virtual Result<pid_t> RunProgram(const ProgramSpec& spec,
                                   UniqueFunction<void(int wait_status)> on_end) = 0;
  // A program that was started before a reload and still runs; the rest as RunProgram.
  virtual void AdoptProgram(pid_t pid, UniqueFunction<void(int wait_status)> on_end) = 0;
  // A process forked from the master that is neither worker nor helper (the emperor, a child with
  // an identity of its own); the rest as RunProgram.
  virtual Result<pid_t> RunFork(UniqueFunction<int()> main,
                                UniqueFunction<void(int wait_status)> on_end) = 0;
  // Kept up to date by the duty that runs them.
  [[nodiscard]] virtual std::vector<DaemonInfo>& daemons() = 0;
  // Starts the helpers of this kind that have become wanted.
  virtual void FillPlaces(ChildKind kind) = 0;
  // To be called when IsDone() of a duty has become true while the server stops.
  virtual void CheckStopped() = 0;
};

// Something that the master looks after beside its children: timers, control channels, commands.
// It lives on the master's loop and never waits for anything else.
class Duty {
 public:
  virtual ~Duty() = default;
  // The master is about to fork its first child. An error ends the start.
  virtual Status Begin(MasterDesk& desk) = 0;
  // Every worker of this start serves.
  virtual void OnStarted() {}
  // A reload of the workers is over: those that serve have replaced the others, or it was given up.
  virtual void OnWorkersReloaded() {}
  // True when the command was this duty's to do; the master then does nothing.
  virtual bool OnCommand(MasterCommand) { return false; }
  // The server stops: what must not outlive it is told to end.
  virtual void OnStopping() {}
  // The server stops, and the last worker and helper has ended.
  virtual void OnChildrenGone() {}
  // Nothing of the duty has to be waited for any more.
  [[nodiscard]] virtual bool IsDone() const { return true; }
  // The master becomes another program and keeps its process id: what does not survive an exec, or
  // must not, is ended here.
  virtual void BeforeExec() {}
  // The same moment: what the duty of that program needs to know goes into `state.notes`.
  virtual void LeaveNotes(HandOver& /*state*/) {}
  // Files that it has made, absolute, and that `vacuum` would remove at the end.
  virtual void ListFiles(std::vector<std::string>& /*paths*/) const {}
  // A reload was asked for and has been given up.
  virtual void OnReloadRefused() {}
  // In a child after a fork: what belongs to the master alone goes.
  virtual void LeaveInChild() {}
};

}  // namespace uwsgi
