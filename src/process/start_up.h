// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "net/listener_set.h"
#include "process/hand_over.h"
#include "process/process_plan.h"

namespace uwsgi {

class LogRelay;

// The steps between the configuration and the first fork that concern the process itself, in the
// order of reference 11 section
// 2. Each is called once, by cli, in the order in which they stand here; the caller does what lies
// between them. What was made on the way is taken away again by Undo() when a later step fails, and
// by Vacuum() at the end.
class StartUp {
 public:
  // All of them must outlive it.
  StartUp(const StartUpSpec& spec, const StartOrder& order, HookRunner& hooks)
      : spec_(spec), order_(order), kind_(order.kind), hooks_(hooks) {}

  // env and unenv.
  Status SetEnvironment();
  // umask; the log file. With daemonize the caller is the daemon by now.
  Status OpenLog();
  // pidfile.
  Status WriteFirstPidfile();
  // prio.
  Status SetPriority() { return ApplyPriority(spec_.limits); }
  // What the start waits for (wait-for-*).
  Status WaitForOthers();
  // Becomes the user that the options name, if this is the point to do it, with the hooks before
  // and after.
  Status PassDropPoint(DropPoint point);
  // chdir, pidfile2, limits.
  Status EnterDirectory();
  // The applications are loaded and the server is about to serve: safe-pidfile and safe-pidfile2.
  Status WriteSafePidfiles();
  // All of them once more, whatever has become of them.
  void RewritePidfiles() const;
  // The log of daemonize2.
  Status OpenLateLog();
  // The log is captured: files that become the log later go to the log process.
  void set_log(LogRelay* log) { log_ = log; }

  // The start has failed: our pidfiles go, or name the server again that they named before, and the
  // files of the UNIX sockets that this start has bound go.
  void Undo(const ListenerSet* listeners);
  // The server has ended: with `vacuum` the same, for all sockets; says so in the log.
  void Vacuum(const ListenerSet& listeners);
  // What that would remove, absolute.
  [[nodiscard]] std::vector<std::string> MadeFiles(const ListenerSet& listeners) const;

 private:
  // An error about a file gets the option behind it that named the file.
  [[nodiscard]] Status Blame(Status done, const std::string& path) const;
  Status TakeEnvironmentFrom(const std::string& directory) const;
  Status WritePid(const std::string& path);
  void WriteMissing(const std::string& path) const;
  Status GoOnIn(const LogFileSpec& file);
  [[nodiscard]] const LogFileSpec& WantedLog() const;
  [[nodiscard]] bool IsLogOfBefore() const;
  void FindLogAgain() const;
  void TakeNewLog() const;
  // Files of a reload's trial belong to the server that runs.
  [[nodiscard]] bool is_trial() const { return kind_ == StartKind::kTrial; }

  const StartUpSpec& spec_;
  const StartOrder& order_;
  StartKind kind_;
  HookRunner& hooks_;
  LogRelay* log_ = nullptr;
  // A file that holds our pid.
  struct Pidfile {
    std::string path;  // absolute
    pid_t former = 0;  // the living process that it named before; 0 for none
  };
  std::vector<Pidfile> pidfiles_;
};

}  // namespace uwsgi
