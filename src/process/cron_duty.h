// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "process/duty.h"
#include "service/cron_board.h"
#include "service/signal_router.h"
#include "service/signal_triggers.h"

namespace uwsgi {

// Runs what the calendar says: commands of the configuration (reference 33 section 3.1) and user
// signals (3.2). A command is a child of the master in a process group of its own; it outlives the
// server when it is not done by then, and a reload knows it again.
class CronDuty final : public Duty {
 public:
  CronDuty(CronBoard& board, SignalRouter& signals) : board_(board), signals_(signals) {}

  Status Begin(MasterDesk& desk) override;
  void LeaveNotes(HandOver& state) override;
  void OnStopping() override { desk_->loop().Cancel(std::exchange(timer_, 0)); }

  // An application has asked for a signal.
  void Add(const CronRow& row);

 private:
  struct Run {
    pid_t pid = 0;
    size_t job = 0;
    int64_t started_s = 0;  // seconds since 1970
    TimerId harakiri = 0;
  };

  void Adopt(const HandOver& state);
  void AdoptRun(std::string_view text);
  void StartTicking();
  void Tick();
  void StartJob(size_t job);
  void Track(uint64_t id, Run run);
  void OnHarakiri(uint64_t id);
  void OnEnd(uint64_t id);
  [[nodiscard]] bool IsRunning(size_t job) const;

  CronBoard& board_;
  SignalRouter& signals_;
  MasterDesk* desk_ = nullptr;
  CronClock clock_;
  TimerId timer_ = 0;
  std::vector<CronRow> rows_;
  uint64_t last_run_ = 0;
  std::map<uint64_t, Run> runs_;  // by a number of their own
};

}  // namespace uwsgi
