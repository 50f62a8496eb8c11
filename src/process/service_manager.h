// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "process/duty.h"

namespace uwsgi {

// The socket on which systemd, or whoever acts like it, wants to hear how the service is
// (NOTIFY_SOCKET, sd_notify(3)). Without one, nothing is ever sent.
class ServiceManager {
 public:
  // Of this process's environment.
  static ServiceManager Find();
  explicit ServiceManager(std::string socket, int64_t watchdog_us = 0)
      : socket_(std::move(socket)), watchdog_us_(watchdog_us) {}

  // Lines of NAME=VALUE. It never waits; what the manager does not take is lost.
  void Tell(std::string_view state) const;
  void TellReady(std::string_view status) const;
  void TellReloading() const;
  void TellStopping() const;

  [[nodiscard]] bool exists() const { return !socket_.empty(); }
  // It kills us when it does not hear from us within this time; 0 for never.
  [[nodiscard]] int64_t watchdog_us() const { return watchdog_us_; }

 private:
  std::string socket_;
  int64_t watchdog_us_ = 0;
};

// Tells the service manager what the master does, and that it is alive.
class NotifyDuty final : public Duty {
 public:
  explicit NotifyDuty(ServiceManager manager) : manager_(std::move(manager)) {}

  Status Begin(MasterDesk& desk) override;
  void OnStarted() override;
  void OnWorkersReloaded() override { OnStarted(); }
  bool OnCommand(MasterCommand command) override;
  void BeforeExec() override;
  void OnReloadRefused() override;
  void OnStopping() override;

 private:
  [[nodiscard]] std::string Describe() const;
  void SetWatchdog(int64_t micros) const;

  ServiceManager manager_;
  MasterDesk* desk_ = nullptr;
};

}  // namespace uwsgi
