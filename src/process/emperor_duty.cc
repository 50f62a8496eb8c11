// SPDX-License-Identifier: Apache-2.0
#include "process/emperor_duty.h"

#include <signal.h>

#include "base/log.h"
#include "net/signal_source.h"
#include "process/emperor.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

constexpr int64_t kPause = 1'000'000;  // before an Emperor that has died is started again

}  // namespace

Status EmperorDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  return Start();
}

Status EmperorDuty::Start() {
  pid_ = TRY(desk_->RunFork([this] { return RunEmperor(); },
                            [this](int wait_status) { OnEnd(wait_status); }));
  return {};
}

int EmperorDuty::RunEmperor() {
  const TitleSpec& titles = desk_->serving().supervision->titles;
  const std::string title = spec_.has_own_title
                                ? spec_.title
                                : ComposeTitle(titles, "uWSGI Emperor", /*is_master=*/false);
  if (!title.empty()) SetTitle(title);
  auto signals = SignalSource::Create();
  if (!signals) {
    LogLine(signals.error().text());
    return 1;
  }
  auto emperor = Emperor::Create(
      {.spec = spec_, .environment = CurrentEnvironment(), .hooks = desk_->serving().hooks},
      std::move(*signals));
  if (!emperor) {
    LogLine(emperor.error().text());
    return emperor.error().exit_code;
  }
  UnblockSignals();
  return (*emperor)->Run();
}

void EmperorDuty::OnEnd(int) {
  Log("The Emperor has been buried (pid: {})", pid_);
  pid_ = 0;
  if (desk_->is_stopping()) return desk_->CheckStopped();
  desk_->loop().After(kPause, [this] {
    if (desk_->is_stopping() || pid_ != 0) return;
    const Status started = Start();
    if (!started) LogLine(started.error().text());
  });
}

bool EmperorDuty::OnCommand(MasterCommand command) {
  if (command != MasterCommand::kScanVassals) return false;
  if (pid_ != 0) ::kill(pid_, SIGWINCH);
  return true;
}

void EmperorDuty::OnStopping() {
  if (pid_ == 0) return;
  LogLine("waiting for Emperor death...");
  ::kill(pid_, SIGTERM);
}

void EmperorDuty::BeforeExec() {
  if (pid_ != 0) ::kill(pid_, SIGTERM);
}

}  // namespace uwsgi
