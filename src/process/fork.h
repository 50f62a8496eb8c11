// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime/language_runtime.h"

namespace uwsgi {

class LogRelay;

// What happens on both sides of a fork.
struct ForkSpec {
  LanguageRuntime* runtime = nullptr;  // is told of the fork; null when no language runs yet
  int death_signal = SIGTERM;          // the child gets it when its parent ends
  // Whose lines the child's are; null: the child says nothing, or what it says is the parent's.
  LogRelay* log = nullptr;
  std::string log_as = {};  // "worker", "mule 1" ...
  int log_worker = 0;       // id of a worker
  // The child gives back what belongs to its parent alone: descriptors, signal handlers, loops.
  UniqueFunction<void()> leave_parent;
  // What the child runs, with all signals blocked; its result is the exit status. `reports` is a
  // pipe to the parent.
  UniqueFunction<int(UniqueFd reports)> main;
};

struct Forked {
  pid_t pid = 0;
  UniqueFd reports;  // read end, non-blocking: what the child says, its end when the child is gone
};

// The one fork of the server. Called on the only thread there is; signals are blocked meanwhile, so
// that none meets a child without handlers.
Result<Forked> ForkChild(ForkSpec spec);

// Runs what may make this process somebody else (setuid()), upon which the kernel forgets that it
// shall end with its parent: that is so again afterwards, if it was so before.
Status KeepLifeTied(UniqueFunction<Status()> change);

// Ends a process that has served, without the handlers that its parent registered with atexit.
[[noreturn]] void EndProcess(int status);

// Whom a program is run as.
struct ProgramIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // all of them
};

// A program to be run as a child, with only these descriptors of ours beside 0, 1 and 2.
struct ProgramSpec {
  std::string path;
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string directory;     // it starts there
  int output = -1;           // becomes its standard output and error
  std::vector<int> inherit;  // stay open, under the same numbers
  int input = -1;            // becomes its standard input
  bool null_input = false;   // its standard input is /dev/null
  bool new_session = false;  // it leads a session and a group; no terminal of ours reaches it
  bool new_pid_namespace = false;
  int death_signal = SIGKILL;  // it gets this when its parent ends; 0: it lives on
  std::optional<ProgramIdentity> identity;
  // Runs in the child, as that identity, in that directory and with that environment (which it may
  // change), before it becomes the program; false ends the child with 1. Only for a parent that
  // has one thread, and must live until the program has been started.
  UniqueFunction<bool()>* before_exec = nullptr;
};
Result<pid_t> SpawnProgram(const ProgramSpec& spec);

// The same for a program that is nobody's child and lives on by itself.
Result<pid_t> SpawnDetached(const ProgramSpec& spec);

// Leaves the terminal: the caller goes on in a grandchild that leads no session and has no terminal
// (true), and also in the process that was started (false), which has nothing to do any more but to
// wait for news. No language may run yet.
Result<bool> Detach();

}  // namespace uwsgi
