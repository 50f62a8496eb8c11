// SPDX-License-Identifier: Apache-2.0
#include "process/touch.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

bool Exists(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

}  // namespace

Status RunBeside(MasterDesk& desk, const std::string& command) {
  TRY(desk.RunProgram(ShellProgram(command), [command](int wait_status) {
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return;
    LogLine(CommandFailed(command, wait_status));
  }));
  return {};
}

Status TouchDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  watch_ = FileWatch::Create(desk.loop());
  for (const TouchSpec& spec : specs_) {
    if (!Exists(spec.path)) {
      Log("unable to stat() {}, events will be triggered as soon as the file is created",
          spec.path);
    }
    watch_->Add(spec.path, [this, &spec](FileChange) { OnTouched(spec); });
  }
  return {};
}

void TouchDuty::OnTouched(const TouchSpec& spec) {
  if (desk_->is_stopping()) return;
  const std::string line =
      fmt::format("*** {} has been touched... {} !!! ***", spec.path, spec.consequence);
  if (spec.kind == TouchSpec::Kind::kCommand) return desk_->Command(spec.command, line);
  LogDatedLine(line);
  Status done;
  if (spec.kind == TouchSpec::Kind::kExec) {
    done = RunBeside(*desk_, spec.shell);
  } else {
    HookServices& services = desk_->serving().hooks->services();
    const Hook hook = ParseHook(spec.hook).value();
    // The master does not wait for commands.
    services.run_command = [this](const std::string& command) {
      return RunBeside(*desk_, command);
    };
    done = RunHook(hook, spec.option, services);
    services.run_command = {};
  }
  if (!done) LogLine(done.error().text());
}

void TouchDuty::LeaveInChild() {
  if (watch_ == nullptr) return;
  watch_->LeaveInChild();
  // Taking it apart would take it from the loop that the parent has.
  static_cast<void>(watch_.release());
}

}  // namespace uwsgi
