// SPDX-License-Identifier: Apache-2.0
#include "process/emperor_link.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "base/strings.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

bool IsSocket(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}

struct OrderRow {
  EmperorOrder order;
  MasterCommand command;
  HookPhase hooks;
};
constexpr OrderRow kOrders[] = {
    {EmperorOrder::kStop, MasterCommand::kStopPromptly, HookPhase::kEmperorStop},
    {EmperorOrder::kReload, MasterCommand::kReload, HookPhase::kEmperorReload},
    {EmperorOrder::kStopGracefully, MasterCommand::kStop, HookPhase::kEmperorStop}};

}  // namespace

VassalSpec TakeEmperorChannel(bool is_trial) {
  const char* const text = std::getenv(std::string(kEmperorVariable).c_str());
  if (text == nullptr) return {};
  if (is_trial) return {.has_emperor = true};
  const auto number = ParseInt(text);
  if (!number || *number < 3 || *number > 1 << 20 || !IsSocket(static_cast<int>(*number))) {
    Log("{}={} names no socket: there is no emperor", kEmperorVariable, text);
    return {};
  }
  const int fd = static_cast<int>(*number);
  Log("*** has_emperor mode detected (fd: {}) ***", fd);
  for (const Status& done : {SetCloseOnExec(fd, true), SetNonBlocking(fd)}) {
    if (!done) LogLine(done.error().text());
  }
  return {.has_emperor = true, .fd = fd};
}

void BecomeVassal(ProcessSpec& spec, const VassalSpec& vassal) {
  if (!vassal.has_emperor) return;
  spec.vassal.has_emperor = true;
  spec.vassal.fd = vassal.fd;
  spec.supervision.has_master = true;
  // compat: what daemonize names is the log all the same.
  spec.start_up.daemonize = false;
}

Status EmperorLink::Begin(MasterDesk& desk) {
  desk_ = &desk;
  watch_ = TRY(desk.loop().Watch(fd_.get(), kReadable, [this](uint32_t) { Listen(); }));
  if (heartbeat_us_ > 0) {
    desk.loop().Every(heartbeat_us_, [this] { Say(VassalNews::kHeartbeat); });
  }
  Say(VassalNews::kSpawned);
  return {};
}

void EmperorLink::OnStarted() {
  Say(VassalNews::kAccepting);
  loyalty_timer_ = desk_->loop().Every(kSecond, [this] { AnnounceLoyalty(); });
}

// It decides what becomes of a vassal without work, and of one with too much.
bool EmperorLink::OnCommand(MasterCommand command) {
  switch (command) {
    case MasterCommand::kBeIdle:
      Say(VassalNews::kIdle);
      return true;
    case MasterCommand::kReinforce:
      Say(VassalNews::kWantsReinforcements);
      return true;
    default:
      return false;
  }
}

void EmperorLink::AnnounceLoyalty() {
  const auto& requests = desk_->serving().scoreboard->total_requests();
  if (requests.load(std::memory_order_relaxed) == 0) return;
  desk_->loop().Cancel(std::exchange(loyalty_timer_, 0));
  LogLine("announcing my loyalty to the Emperor...");
  Say(VassalNews::kLoyal);
}

void EmperorLink::Say(VassalNews news) const {
  const auto byte = static_cast<char>(news);
  // An Emperor that is gone is noticed by the end of the channel.
  [[maybe_unused]] const ssize_t sent = ::send(fd_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void EmperorLink::Listen() {
  uint8_t orders[16];
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), orders, sizeof orders, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) Obey(orders[i]);
  }
  desk_->loop().Unwatch(std::exchange(watch_, 0));
  if (desk_->is_stopping()) return;
  LogDatedLine("lost connection with my emperor !!!");
  RunHooks(HookPhase::kEmperorLost);
  desk_->Command(MasterCommand::kStop, {});
}

void EmperorLink::Obey(uint8_t order) {
  const std::string why = fmt::format("received message {} from emperor", order);
  for (const OrderRow& row : kOrders) {
    if (static_cast<uint8_t>(row.order) != order) continue;
    LogDatedLine(why);
    RunHooks(row.hooks);
    return desk_->Command(row.command, {});
  }
  LogDatedLine(why);
}

// The master waits for them: what they prepare comes before what was ordered.
void EmperorLink::RunHooks(HookPhase phase) {
  [[maybe_unused]] const Status done = desk_->serving().hooks->Run(phase);
}

void EmperorLink::BeforeExec() {
  const Status kept = SetCloseOnExec(fd_.get(), false);
  if (!kept) LogLine(kept.error().text());
  // Until the next program has loaded, and says so again, there is nobody to let it beat.
  if (heartbeat_us_ > 0) Say(VassalNews::kSpawned);
}

void EmperorLink::LeaveInChild() { fd_.Reset(); }

}  // namespace uwsgi
