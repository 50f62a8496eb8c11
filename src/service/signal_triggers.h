// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/unique_fd.h"
#include "service/cron.h"
#include "service/registrations.h"
#include "shm/region.h"

namespace uwsgi {

// What raises user signals by itself, as applications register it (reference 33 sections 2 to 4): a
// timer, for ever or so many times; moments of the calendar; changes of a file. The same
// registration by several workers counts once.
struct TimerRow {
  uint8_t signal = 0;
  int64_t period_us = 0;
  int64_t times = 0;  // 0: for ever
  bool operator==(const TimerRow&) const = default;
};
struct CronRow {
  uint8_t signal = 0;
  CronFields fields;
  bool operator==(const CronRow&) const = default;
};
struct MonitorRow {
  uint8_t signal = 0;
  std::array<char, 255> path{};  // with a 0 at its end
  // How a process that registered it while the server runs has seen the file (net/file_watch.h), as
  // it may change before the master looks; empty: as the master finds it.
  std::array<char, 160> state{};
  bool operator==(const MonitorRow& other) const {
    return signal == other.signal && path == other.path;
  }
};

// The registrations, in shared memory: any process adds, the master acts. The master calls Read()
// when fd() is readable.
class SignalTriggers {
 public:
  static constexpr size_t kMost = 64;  // of each kind

  static void AddSize(SharedSize& size);
  static Result<SignalTriggers> Create(SharedRegion& region);

  // The error is what the log shall say. Times below one period are refused.
  Status AddTimer(const TimerRow& timer);
  Status AddCron(const CronRow& cron);
  Status AddMonitor(uint8_t signal, std::string_view path);

  // Readable when there may be news.
  [[nodiscard]] int fd() const { return news_.first.get(); }

  // For the master: calls `on_timer(slot, row)` and its like for all that is new to this object.
  template <typename OnTimer, typename OnCron, typename OnMonitor>
  void Read(OnTimer on_timer, OnCron on_cron, OnMonitor on_monitor) {
    Acknowledge();
    shared_->timers.ForEachNew(seen_timers_, on_timer);
    shared_->crons.ForEachNew(seen_crons_, on_cron);
    shared_->monitors.ForEachNew(seen_monitors_, on_monitor);
  }
  // A timer has rung as often as it should: its place is free.
  void RemoveTimer(size_t slot) { shared_->timers.Remove(slot); }

 private:
  using TimerTable = Registrations<TimerRow, kMost>;
  using CronTable = Registrations<CronRow, kMost>;
  using MonitorTable = Registrations<MonitorRow, kMost>;
  struct Shared {
    TimerTable timers;
    CronTable crons;
    MonitorTable monitors;
  };

  SignalTriggers() = default;
  void Announce();
  void Acknowledge();

  Shared* shared_ = nullptr;
  pid_t master_ = 0;
  FdPair news_;
  TimerTable::Seen seen_timers_{};
  CronTable::Seen seen_crons_{};
  MonitorTable::Seen seen_monitors_{};
};

}  // namespace uwsgi
