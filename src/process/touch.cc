// SPDX-License-Identifier: Apache-2.0
#include "process/touch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/log.h"
#include "net/signal_source.h"
#include "process/file_note.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

constexpr int64_t kSettle = 100'000;
constexpr std::string_view kNote = "touch";

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
  watched_.resize(specs_.size());
  for (size_t i = 0; i < specs_.size(); ++i) Watch(specs_[i], watched_[i]);
  return {};
}

void TouchDuty::Watch(const TouchSpec& spec, Watched& watched) {
  watched.id = WatchOn(*watch_, desk_->predecessor(), kNote, spec.path,
                       [this, &spec, &watched](FileChange) { OnChange(spec, watched); });
  // Said when it is watched already: whoever creates it now is seen.
  if (watch_->Exists(watched.id)) return;
  Log("unable to stat() {}, events will be triggered as soon as the file is created", spec.path);
}

void TouchDuty::LeaveNotes(HandOver& state) {
  for (size_t i = 0; i < watched_.size(); ++i) {
    // One that waits for the action of the one before is told again by the next program.
    const std::string known = watched_[i].again ? "again" : watch_->StateOf(watched_[i].id);
    state.notes.push_back(FileNote(kNote, known, specs_[i].path));
  }
}

void TouchDuty::OnChange(const TouchSpec& spec, Watched& watched) {
  if (watched.settling != 0) return;
  watched.settling = desk_->loop().After(kSettle, [this, &spec, &watched] {
    watched.settling = 0;
    OnTouched(spec, watched);
  });
}

// What asks for the server to be replaced is about to be done; the rest is done now.
void TouchDuty::BeforeExec() {
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (watched_[i].settling == 0) continue;
    desk_->loop().Cancel(std::exchange(watched_[i].settling, 0));
    if (specs_[i].kind != TouchSpec::Kind::kCommand) OnTouched(specs_[i], watched_[i]);
  }
}

void TouchDuty::OnTouched(const TouchSpec& spec, Watched& watched) {
  if (desk_->is_stopping()) return;
  const std::string line =
      fmt::format("*** {} has been touched... {} !!! ***", spec.path, spec.consequence);
  if (spec.kind == TouchSpec::Kind::kCommand) return desk_->Command(spec.command, line);
  LogDatedLine(line);
  if (const Status done = Act(spec, watched); !done) LogLine(done.error().text());
}

// The master does not wait: neither for commands nor for actions that wait for somebody else.
Status TouchDuty::Act(const TouchSpec& spec, Watched& watched) {
  if (spec.kind == TouchSpec::Kind::kExec) return RunBeside(*desk_, spec.shell);
  const Hook hook = ParseHook(spec.hook).value();
  if (hook.action->may_wait) return RunInFork(hook, spec, watched);
  HookServices& services = desk_->serving().hooks->services();
  services.run_command = [this](const std::string& command) { return RunBeside(*desk_, command); };
  // A failure has been told.
  static_cast<void>(RunHook(hook, spec.option, services));
  services.run_command = {};
  return {};
}

// One process at a time for a file: touches meanwhile are one more touch.
Status TouchDuty::RunInFork(const Hook& hook, const TouchSpec& spec, Watched& watched) {
  if (std::exchange(watched.busy, true)) {
    watched.again = true;
    return {};
  }
  const auto main = [this, &hook, &spec] {
    UnblockSignals();
    return RunHook(hook, spec.option, desk_->serving().hooks->services()) ? 0 : 1;
  };
  const auto forked = desk_->RunFork(main, [this, &spec, &watched](int) {
    watched.busy = false;
    if (std::exchange(watched.again, false)) OnTouched(spec, watched);
  });
  if (forked) return {};
  watched.busy = false;
  return tl::unexpected(forked.error());
}

void TouchDuty::LeaveInChild() {
  if (watch_ == nullptr) return;
  watch_->LeaveInChild();
  // Taking it apart would take it from the loop that the parent has.
  static_cast<void>(watch_.release());
}

}  // namespace uwsgi
