// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "process/log_file.h"
#include "process/log_relay.h"
#include "process/master.h"
#include "process/messages.h"
#include "process/privileges.h"
#include "service/mule_link.h"
#include "service/signal_router.h"
#include "worker/succession.h"

// What the master does when it is signalled: reload, stop, tell.

namespace uwsgi {
namespace {

// Time for a worker to end in order when nobody wants to wait any more.
constexpr int64_t kShortestMercy = 2'000'000;
constexpr int kMostRenewedTrials = 3;  // more saves in a row than anybody makes within a trial

std::string DescribeStatus(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("killed by signal {}", WTERMSIG(wait_status));
  return fmt::format("exit code {}", WEXITSTATUS(wait_status));
}

// Whether that is what lies at the path, by whatever name it was found.
bool IsFile(const std::string& path, const struct stat& facts) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && IsSameFile(found, facts);
}

}  // namespace

void Master::ReadSignals() {
  // The end of a trial makes another program of us, and comes last.
  std::vector<int> arrived = signals_->Drain();
  std::stable_partition(arrived.begin(), arrived.end(),
                        [](int signal) { return signal != SIGCHLD; });
  for (const int signal : arrived) Command(CommandOf(signal), {});
}

void Master::Command(MasterCommand command, std::string_view why) {
  if (!why.empty()) LogDatedLine(why);
  for (const auto& duty : parts_.duties) {
    if (duty->OnCommand(command)) return;
  }
  switch (command) {
    case MasterCommand::kReload:
      return spec().lazy && !spec().exit_on_reload ? ReloadWorkers() : ReloadProgram(false);
    case MasterCommand::kReloadBrutally:
      return ReloadProgram(true);
    case MasterCommand::kForkMaster:
      LogLine("a second master is not needed: this one reloads without a gap");
      return ReloadProgram(false);
    case MasterCommand::kReloadWorkers:
      return ReloadWorkers();
    case MasterCommand::kReloadWorkersBrutally:
      return ReloadWorkersBrutally();
    case MasterCommand::kChainReload:
      return ChainReload();
    case MasterCommand::kMoreWorkers:
      if (stopping_) return;
      LeaveCheapMode();
      return WantWorkers(1);
    case MasterCommand::kFewerWorkers:
      return StopAnyWorker();
    case MasterCommand::kGoCheap:
      LogLine("going cheap...");
      return GoCheap();
    case MasterCommand::kStop:
      if (stopping_) return StopNow();
      LogLine(message::kStopping);
      return Stop(SIGTERM, Patience::kFull, 0);
    case MasterCommand::kBeIdle:
      return Stop(SIGTERM, Patience::kFull, 0);
    case MasterCommand::kStopPromptly:
      if (stopping_) return StopNow();
      LogLine(message::kStopping);
      return Stop(SIGTERM, Patience::kShort, 0);
    case MasterCommand::kReloadMules:
      return ReloadHelpers(ChildKind::kMule);
    case MasterCommand::kReloadSpoolers:
      return ReloadHelpers(ChildKind::kSpooler);
    case MasterCommand::kWritePidfiles:
      return parts_.write_pidfiles();
    case MasterCommand::kDump:
      return DumpCounters();
    case MasterCommand::kReap:
      return Reap();
    case MasterCommand::kIgnore:
      return;
    default:
      return Log("the master does not know how to {}", NameOf(command));
  }
}

Result<pid_t> Master::RunProgram(const ProgramSpec& program, UniqueFunction<void(int)> on_end) {
  const pid_t pid = TRY(SpawnProgram(program));
  programs_.push_back({pid, std::move(on_end)});
  return pid;
}

Result<pid_t> Master::RunFork(UniqueFunction<int()> main, UniqueFunction<void(int)> on_end) {
  ForkSpec fork;
  fork.runtime = parts_.serving.runtime;
  fork.leave_parent = [this] { LeaveInChild(); };
  fork.main = [&main](UniqueFd) { return main(); };
  const Forked forked = TRY(ForkChild(std::move(fork)));
  programs_.push_back({forked.pid, std::move(on_end)});
  return forked.pid;
}

// They are told to end and replaced, each when it has finished what it does.
void Master::ReloadHelpers(ChildKind kind) {
  if (stopping_) return;
  for (Child& child : children_.all()) {
    if (child.kind != kind) continue;
    // It may have read already what has changed since.
    if (child.state == ChildState::kStarting) child.is_outdated = true;
    if (child.state == ChildState::kServing) ReloadHelper(child);
  }
}

void Master::ReloadHelper(Child& child) {
  ::kill(child.pid, SIGHUP);
  child.deadline_us = MonotonicMicros() + child.place->mercy_us;
  Happen(child, ChildEvent::kTooOld);
  WatchDeadline(child);
}

// First it is tried whether the configuration and the application load. A second request while the
// trial runs begins it anew, as the files may have changed once more.
void Master::ReloadProgram(bool brutally) {
  if (stopping_) return;
  if (RefusesReload()) return;
  reloads_brutally_ = brutally;
  if (spec().exit_on_reload) {
    is_reload_end_ = true;
    LogLine(message::kReloading);
    return Stop(SIGHUP, Patience::kFull, 0);
  }
  const auto listeners = parts_.listeners->HandOver();
  const Status started =
      listeners
          ? trial_->Start({.listeners = *listeners, .log_file = CurrentLogFile(), .jail = Jail()})
          : Status(tl::unexpected(listeners.error()));
  // Only the trial was to inherit them; whoever else is started by now must not.
  const Status taken_back = parts_.listeners->TakeBack();
  for (const Status& done : {started, taken_back}) {
    if (done) continue;
    Log("the server cannot be reloaded and goes on as it is: {}", done.error().text());
    trial_->Abandon();
    return NoteFailedReload();
  }
  LogLine(
      "reload requested: trying the configuration and the applications before anything is "
      "changed...");
}

// The next program would not know that it was told to stop.
bool Master::RefusesReload() {
  const bool is_leaving = parts_.serving.scoreboard->leaving().load(std::memory_order_relaxed);
  if (is_leaving) {
    LogLine("the server is going to stop and is not reloaded any more");
    NoteFailedReload();
  }
  return is_leaving;
}

// The application that is tried may write files of its own each time: that does not go on for ever.
void Master::ReloadForNewCode() {
  renewed_trials_ = trial_->running() ? renewed_trials_ + 1 : 0;
  if (renewed_trials_ <= kMostRenewedTrials) Command(MasterCommand::kReload, {});
}

std::string Master::CurrentLogFile() const {
  return parts_.serving.log != nullptr ? parts_.serving.log->main_path() : LogFilePath();
}

// Where each worker enters it, the master is outside.
std::string Master::Jail() const {
  const IdentitySpec& identity = *parts_.serving.identity;
  return identity.drop_point == DropPoint::kInWorkers ? std::string() : identity.jail;
}

void Master::OnTrialEnd(int wait_status) {
  const std::string output = trial_->Finish();
  if (RefusesReload()) return;
  if (wait_status == 0) return BecomeNew();
  LogRaw(output);
  Log("*** the reload has been given up, the trial of the new configuration failed ({}); the "
      "server goes on as it was ***",
      DescribeStatus(wait_status));
  NoteFailedReload();
}

void Master::NoteFailedReload() {
  Bump(parts_.serving.scoreboard->instance().failed_reloads);
  for (const auto& duty : parts_.duties) duty->OnReloadRefused();
}

void Master::BecomeNew() {
  HandOver state;
  state.reloads = (parts_.predecessor != nullptr ? parts_.predecessor->reloads : 0) + 1;
  state.failed_reloads = static_cast<int>(parts_.serving.scoreboard->instance().failed_reloads);
  state.started_on = parts_.started_on;
  state.lifelines = lifeline_.write_ends();
  state.inlets = parts_.serving.succession->HandOver();
  state.brutal = reloads_brutally_;
  state.log_file = CurrentLogFile();
  state.jail = Jail();
  state.capabilities = CapabilitiesToPass();
  if (const MuleLink* mules = parts_.serving.services->mules; mules != nullptr)
    state.queues = mules->HandOver();
  if (const SignalRouter* signals = parts_.serving.services->signals; signals != nullptr) {
    for (LeftQueue& queue : signals->HandOver()) state.queues.push_back(std::move(queue));
  }
  if (parts_.serving.log != nullptr) parts_.serving.log->HandOverTo(state);
  for (const Child& child : children_.all()) {
    if (!child.has_process()) continue;
    const bool draining =
        child.state == ChildState::kDraining || child.state == ChildState::kDoomed;
    const bool is_worker =
        child.kind == ChildKind::kWorker || child.kind == ChildKind::kPredecessor;
    OldChild& old = state.children.emplace_back(
        OldChild{is_worker, child.id, child.pid, draining, child.deadline_us});
    if (child.is_helper()) {
      old.mercy_us = child.place->mercy_us;
      // It goes on counting, and what is told to end begins nothing new.
      if (!draining) old.deadline_us = child.place->slot->DueTime();
    }
  }
  LeaveFiles(state);
  for (const auto& duty : parts_.duties) duty->BeforeExec();
  [[maybe_unused]] const Status hooks_done = parts_.serving.hooks->Run(HookPhase::kAtExit);
  for (const auto& duty : parts_.duties) duty->LeaveNotes(state);
  const auto listeners = parts_.listeners->HandOver();
  Error error;
  if (listeners) {
    state.listeners = *listeners;
    LogLine(message::kBinaryReloading);
    error = BecomeSuccessor(*parts_.command, state, *signals_);
  } else {
    error = listeners.error();
  }
  if (const auto taken_back = parts_.listeners->TakeBack(); !taken_back)
    LogLine(taken_back.error().text());
  Log("the server cannot be reloaded and goes on as it is: {}", error.text());
  NoteFailedReload();
}

std::vector<std::string> Master::MadeFiles() {
  std::vector<std::string> paths;
  if (parts_.made_files) paths = parts_.made_files();
  for (const auto& duty : parts_.duties) duty->ListFiles(paths);
  return paths;
}

void Master::LeaveFiles(HandOver& state) {
  // What was to be removed once this start was over is so after the next one.
  if (!started_ && parts_.predecessor != nullptr) state.files = parts_.predecessor->files;
  if (!parts_.vacuum) return;
  for (const std::string& path : MadeFiles()) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) == 0) state.files.push_back({file.st_ino, path});
  }
}

// Those of the configuration before the reload that this one does not have.
void Master::RemoveFormerFiles() {
  if (parts_.predecessor == nullptr) return;
  const std::vector<std::string> ours = MadeFiles();
  for (const MadeFile& former : parts_.predecessor->files) {
    struct stat file {};
    if (::lstat(former.path.c_str(), &file) != 0 || file.st_ino != former.inode) continue;
    if (std::ranges::any_of(ours, [&](const std::string& path) { return IsFile(path, file); }))
      continue;
    if (::unlink(former.path.c_str()) == 0) {
      LogLine(message::Vacuumed(former.path));
    } else {
      Log("VACUUM WARNING: {}", ErrnoError("remove " + former.path, errno).value().text());
    }
  }
}

int64_t Master::MercyAtStop(const Child& child, Patience patience) const {
  const bool is_short = patience == Patience::kShort;
  if (!child.is_helper()) return is_short ? spec().prompt_mercy_us : spec().worker_mercy_us;
  // What it does goes on counting, and what is told to end begins nothing new.
  int64_t own_us = child.place->mercy_us;
  if (const int64_t due_us = child.place->slot->DueTime(); due_us != 0)
    own_us = std::min(own_us, std::max<int64_t>(due_us - MonotonicMicros(), 0));
  return is_short ? std::min(own_us, spec().prompt_mercy_us) : own_us;
}

void Master::Stop(int signal, Patience patience, int exit_status) {
  stopping_ = true;
  exit_status_ = exit_status;
  trial_->Abandon();
  parts_.serving.succession->RefuseLetters();
  for (Child& child : children_.all()) {
    child.farewell = Farewell::kBuried;
    TellToEnd(child, signal, MercyAtStop(child, patience));
  }
  for (const auto& duty : parts_.duties) duty->OnStopping();
  // Better refused than left waiting for somebody who will not come.
  for (const Listener* listener : parts_.serving.listeners) listener->RefuseClients();
  StopWhenEmpty();
}

// Somebody does not want to wait; once more, and nothing is waited for.
void Master::StopNow() {
  const bool at_once = std::exchange(stopping_now_, true);
  for (Child& child : children_.all()) {
    if (!child.has_process()) continue;
    ::kill(child.pid, at_once ? SIGKILL : SIGQUIT);
    child.deadline_us = MonotonicMicros() + kShortestMercy;
    WatchDeadline(child);
  }
}

void Master::StopWhenEmpty() {
  if (!stopping_ || children_.CountProcesses() != 0) return;
  if (!std::exchange(children_gone_, true)) {
    for (const auto& duty : parts_.duties) duty->OnChildrenGone();
  }
  const bool all_done =
      std::ranges::all_of(parts_.duties, [](const auto& duty) { return duty->IsDone(); });
  if (all_done) loop_->Stop();
}

void Master::DumpCounters() const {
  if (!parts_.configuration.empty()) LogRaw(parts_.configuration);
  const Scoreboard& scoreboard = *parts_.serving.scoreboard;
  Log("\tworkers total requests: {}", scoreboard.total_requests().load(std::memory_order_relaxed));
  LogLine("-----------------");
  const std::vector<AppInfo> apps = parts_.serving.runtime->apps();
  const std::string app =
      apps.size() == 1 ? fmt::format(" app {} [{}]", apps[0].id, apps[0].mountpoint) : "";
  for (int id = 1; id <= scoreboard.workers(); ++id) {
    const WorkerSlot& slot = scoreboard.worker(id);
    Log("\tworker {}{} requests: {} exceptions: {}", id, app, slot.requests(),
        slot.Total(&CoreSlot::exceptions));
  }
}

}  // namespace uwsgi
