// SPDX-License-Identifier: Apache-2.0
#include "process/touch.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
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
  auto on_change = [this, &spec, &watched](FileChange) { OnChange(spec, watched); };
  const std::string_view state = FormerState(spec);
  watched.id = state.empty() ? watch_->Add(spec.path, std::move(on_change))
                             : watch_->AddSince(state, spec.path, std::move(on_change));
  // Said when it is watched already: whoever creates it now is seen.
  if (watch_->Exists(watched.id)) return;
  Log("unable to stat() {}, events will be triggered as soon as the file is created", spec.path);
}

// How the program before a reload has seen the file; empty when it did not watch it.
std::string_view TouchDuty::FormerState(const TouchSpec& spec) const {
  if (desk_->predecessor() == nullptr) return {};
  for (const Note& note : desk_->predecessor()->notes) {
    if (note.name != kNote) continue;
    const size_t blank = std::min(note.text.find(' '), note.text.size());
    if (std::string_view(note.text).substr(std::min(blank + 1, note.text.size())) == spec.path)
      return std::string_view(note.text).substr(0, blank);
  }
  return {};
}

void TouchDuty::LeaveNotes(HandOver& state) {
  for (size_t i = 0; i < watched_.size(); ++i) {
    state.notes.push_back({std::string(kNote),
                           fmt::format("{} {}", watch_->StateOf(watched_[i].id), specs_[i].path)});
  }
}

void TouchDuty::OnChange(const TouchSpec& spec, Watched& watched) {
  if (watched.settling != 0) return;
  watched.settling = desk_->loop().After(kSettle, [this, &spec, &watched] {
    watched.settling = 0;
    OnTouched(spec);
  });
}

// What asks for the server to be replaced is about to be done; the rest is done now.
void TouchDuty::BeforeExec() {
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (watched_[i].settling == 0) continue;
    desk_->loop().Cancel(std::exchange(watched_[i].settling, 0));
    if (specs_[i].kind != TouchSpec::Kind::kCommand) OnTouched(specs_[i]);
  }
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
