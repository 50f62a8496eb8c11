// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "process/duty.h"
#include "process/fd_watches.h"
#include "service/alarm.h"

namespace uwsgi {

// Who can be reached by alarms; an empty function: nobody.
struct AlarmReach {
  UniqueFunction<void(int mule, std::string_view text)> tell_mule;
  UniqueFunction<void(int signal)> send_signal;
};

// The master's part of alarms: it does what a raised alarm asks for.
class AlarmDuty final : public Duty {
 public:
  // `alarms` outlives the duty.
  AlarmDuty(Alarms& alarms, AlarmReach reach) : alarms_(alarms), reach_(std::move(reach)) {}
  Status Begin(MasterDesk& desk) override;
  // What hooks have raised at the end counts, too.
  void LeaveNotes(HandOver&) override { TakeSome(kMostWaiting); }

 private:
  static constexpr int kMostWaiting = 512;  // more than a queue of the system holds

  Status WatchFds();
  void TakeSome(int most);
  void Act(const AlarmSpec& alarm, const std::string& text);
  Status RunCommand(const std::string& command, const std::string& text);

  Alarms& alarms_;
  AlarmReach reach_;
  MasterDesk* desk_ = nullptr;
  int running_ = 0;          // commands
  bool is_crowded_ = false;  // as many as may run, and it has been said
  FdWatches fds_{"[uwsgi-alarm] "};
};

}  // namespace uwsgi
