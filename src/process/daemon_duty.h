// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/file_watch.h"
#include "process/daemon_spec.h"
#include "process/duty.h"

namespace uwsgi {

// Runs the attached daemons. A plain one is a child of the master: started again when it ends
// (after a growing pause when it ends early), told to end once the workers have gone, killed when
// it does not. A smart one is found by its pidfile, lives on when the server stops, and is started
// when nobody of that pidfile lives.
class DaemonDuty final : public Duty {
 public:
  // `mercy_us`: what a daemon has to end.
  DaemonDuty(std::vector<DaemonSpec> specs, int64_t mercy_us);
  ~DaemonDuty() override;

  Status Begin(MasterDesk& desk) override;
  void OnStopping() override;
  void OnChildrenGone() override;
  [[nodiscard]] bool IsDone() const override;
  void LeaveNotes(HandOver& state) override;
  void LeaveInChild() override;

 private:
  struct Daemon {
    DaemonSpec spec;
    size_t index = 0;  // in the list that others see
    pid_t pid = 0;
    pid_t starter = 0;  // the program that starts a smart one, while it runs
    int64_t started_us = 0;
    int spawns = 0;
    int early_ends = 0;
    bool restarting = false;           // it has been told to end, and shall be there again
    std::vector<FileWatchId> touches;  // of each spec.touch
    UniqueFd pidfd;                    // of a smart one
    WatchId pidfd_watch = 0;
    TimerId start_timer = 0;
    TimerId kill_timer = 0;
  };

  void Start(Daemon& daemon);
  Status Spawn(Daemon& daemon);
  Status SpawnSmart(Daemon& daemon);
  void StartLater(Daemon& daemon, int64_t pause_s);
  void OnEnd(Daemon& daemon);
  void TellToEnd(Daemon& daemon);
  void Kill(Daemon& daemon);
  void OnTouched(Daemon& daemon, const std::string& path);
  // Takes the process of the pidfile for the daemon; false when there is none.
  bool Find(Daemon& daemon);
  void LookAgain(Daemon& daemon);
  void Adopt(Daemon& daemon, pid_t pid);
  void AdoptPredecessors();
  void AdoptOrEnd(const OldDaemon& old);
  void Show(const Daemon& daemon);

  std::vector<std::unique_ptr<Daemon>> daemons_;
  int64_t mercy_us_;
  MasterDesk* desk_ = nullptr;
  std::unique_ptr<FileWatch> watch_;
};

}  // namespace uwsgi
