// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <memory>

#include "net/file_watch.h"
#include "process/cron_duty.h"
#include "process/duty.h"
#include "service/background_plan.h"
#include "service/signal_router.h"
#include "service/signal_triggers.h"

namespace uwsgi {

// Raises the user signals that nobody raises by hand: timers and file monitors, of applications and
// of the configuration; those of the calendar are left to CronDuty, which must outlive it.
class SignalDuty final : public Duty {
 public:
  SignalDuty(SignalRouter& signals, SignalTriggers& triggers, const BackgroundSpec& spec,
             CronDuty& crons)
      : signals_(signals), triggers_(triggers), spec_(spec), crons_(crons) {}

  Status Begin(MasterDesk& desk) override;
  void LeaveInChild() override {
    if (files_) files_->LeaveInChild();
  }

 private:
  // A timer that rings so many times.
  struct Counted {
    TimerId timer = 0;
    int64_t left = 0;
  };

  void ReadTriggers();
  void StartTimer(size_t slot, const TimerRow& row);
  void OnCounted(size_t slot, uint8_t signal);
  void WatchFile(const std::string& path, uint8_t signal, std::string_view state);
  void Raise(uint8_t signal);

  SignalRouter& signals_;
  SignalTriggers& triggers_;
  const BackgroundSpec& spec_;
  CronDuty& crons_;
  MasterDesk* desk_ = nullptr;
  std::unique_ptr<FileWatch> files_;
  std::map<size_t, Counted> counted_;  // by slot
};

}  // namespace uwsgi
