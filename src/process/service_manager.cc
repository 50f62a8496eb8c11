// SPDX-License-Identifier: Apache-2.0
#include "process/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/strings.h"
#include "base/unique_fd.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

// How often we have to be heard of, when it is this process that is watched.
int64_t WatchdogMicros() {
  const auto micros = ParseInt(Variable("WATCHDOG_USEC"));
  const std::string pid = Variable("WATCHDOG_PID");
  if (!micros || (!pid.empty() && pid != std::to_string(::getpid()))) return 0;
  return *micros;
}

}  // namespace

ServiceManager ServiceManager::Find() {
  return ServiceManager(Variable("NOTIFY_SOCKET"), WatchdogMicros());
}

void ServiceManager::Tell(std::string_view state) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return;
  [[maybe_unused]] const ssize_t sent =
      ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length);
}

void ServiceManager::TellReady(std::string_view status) const {
  Tell(fmt::format("READY=1\nMAINPID={}\nSTATUS={}", ::getpid(), status));
}

void ServiceManager::TellReloading() const {
  Tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reloading", MonotonicMicros()));
}

void ServiceManager::TellStopping() const { Tell("STOPPING=1\nSTATUS=stopping"); }

Status NotifyDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  // Half of the time, as sd_watchdog_enabled(3) advises.
  if (const int64_t micros = manager_.watchdog_us(); micros > 0) {
    if (desk.predecessor() != nullptr) SetWatchdog(micros);
    desk.loop().Every(micros / 2, [this] { manager_.Tell("WATCHDOG=1"); });
  }
  return {};
}

std::string NotifyDuty::Describe() const {
  return fmt::format("serving with {} workers",
                     desk_->children().Count(ChildKind::kWorker, ChildState::kServing));
}

void NotifyDuty::OnStarted() { manager_.TellReady(Describe()); }

bool NotifyDuty::OnCommand(MasterCommand command) {
  if (desk_->is_stopping()) return false;
  const bool paused = desk_->serving().scoreboard->paused().load(std::memory_order_relaxed);
  switch (command) {
    case MasterCommand::kReload:
    case MasterCommand::kReloadBrutally:
      manager_.TellReloading();
      break;
    case MasterCommand::kTogglePause:
      manager_.Tell("STATUS=" + (paused ? Describe() : "paused"));
      break;
    case MasterCommand::kPause:
      manager_.Tell("STATUS=paused");
      break;
    case MasterCommand::kResume:
      manager_.Tell("STATUS=" + Describe());
      break;
    default:
      break;
  }
  return false;
}

// The next program is not heard of until it has loaded the application, which may take its time.
void NotifyDuty::BeforeExec() { SetWatchdog(0); }

// sd_notify(3): 0 switches the watchdog off.
void NotifyDuty::SetWatchdog(int64_t micros) const {
  if (manager_.watchdog_us() > 0) manager_.Tell(fmt::format("WATCHDOG_USEC={}", micros));
}

void NotifyDuty::OnReloadRefused() {
  SetWatchdog(manager_.watchdog_us());
  manager_.TellReady(Describe() + ", the last reload was given up");
}

void NotifyDuty::OnStopping() { manager_.TellStopping(); }

}  // namespace uwsgi
