// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "process/master.h"
#include "process/messages.h"
#include "process/privileges.h"
#include "process/worker_end.h"
#include "service/alarm.h"
#include "service/signal_router.h"
#include "worker/succession.h"

// The ends of processes, as the master sees them.

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
// A worker that ends sooner than this, without one request, has failed to start.
constexpr int64_t kYoung = kSecond;

// What the end of a process means. Exit codes are those of reference 11 section 4.
ChildEvent EventOf(int wait_status) {
  if (!WIFEXITED(wait_status)) return ChildEvent::kDied;
  switch (WEXITSTATUS(wait_status)) {
    case 0:
    case kExitGraceful:
    case 29:  // compat: a worker may ask for its replacement with this one
      return ChildEvent::kEndedWell;
    case 1:
    case kExitNoApp:
      return ChildEvent::kFailedToLoad;
    default:
      return ChildEvent::kDied;
  }
}

// Signals that a process brings upon itself, by a fault of its code.
bool IsCrash(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return false;
  constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
  return std::ranges::find(kFaults, WTERMSIG(wait_status)) != std::end(kFaults);
}

void TellOfCrash(const Alarms& alarms, const Child& child, int wait_status) {
  if (!IsCrash(wait_status)) return;
  const std::string name = child.is_helper()
                               ? child.place->title
                               : fmt::format("{} {}", RowOf(child.kind).name, child.id);
  alarms.RaiseAll(alarms.spec().on_crash, message::Crashed(name, child.pid, WTERMSIG(wait_status)));
}

}  // namespace

void Master::Reap() {
  std::vector<pid_t> pids;
  for (const Child& child : children_.all()) {
    if (child.has_process()) pids.push_back(child.pid);
  }
  for (const pid_t pid : pids) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) continue;
    if (Child* const child = children_.FindPid(pid); child != nullptr) OnEnd(*child, status);
  }
  // Here, where no caller holds one of them.
  children_.ForgetPredecessors();
  ReapPrograms();
  if (trial_->running()) {
    int status = 0;
    if (::waitpid(trial_->pid(), &status, WNOHANG) == trial_->pid()) OnTrialEnd(status);
  }
  if (::getpid() == 1 || parts_.predecessor != nullptr) ReapOrphans();
}

void Master::ReapPrograms() {
  for (size_t i = 0; i < programs_.size();) {
    int status = 0;
    if (::waitpid(programs_[i].pid, &status, WNOHANG) != programs_[i].pid) {
      ++i;
      continue;
    }
    auto on_end = std::move(programs_[i].on_end);
    programs_.erase(programs_.begin() + static_cast<ptrdiff_t>(i));
    // It may start another one.
    if (on_end) on_end(status);
  }
}

// As the first process of a container we inherit what others leave behind; after a reload, what the
// former program had started.
void Master::ReapOrphans() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const bool is_program = std::ranges::any_of(
        programs_, [&](const Program& program) { return program.pid == info.si_pid; });
    if (is_program || children_.FindPid(info.si_pid) != nullptr || trial_->pid() == info.si_pid)
      return;
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void Master::OnEnd(Child& child, int wait_status) {
  if (child.reports.valid()) ReadReports(child);
  const ChildEvent event = EventOf(wait_status);
  const bool may_be_young = event != ChildEvent::kEndedWell || child.kind == ChildKind::kMule;
  if (may_be_young && DiedYoung(child)) child.state = ChildState::kStarting;
  const Ended ended{child.pid, wait_status};
  TellOfCrash(*parts_.serving.services->alarms, child, wait_status);
  NoteWorkerEnd(*parts_.serving.scoreboard, child, {child.pid, wait_status, event, stopping_});
  child.pid = 0;
  loop_->Unwatch(std::exchange(child.reports_watch, 0));
  child.reports.Reset();
  ChildStep step = StepOf(child.state, event);
  if (RowOf(child.kind).restart == Restart::kNever) {
    step = {ChildState::kVacant, ChildAction::kBury};
  } else if (child.is_helper()) {
    child.place->slot->EndWork();
    child.place->slot->pid.store(0, std::memory_order_relaxed);
  } else {
    SlotOf(child).state.store(WorkerState::kGone, std::memory_order_relaxed);
    SlotOf(child).pid.store(0, std::memory_order_relaxed);
  }
  LogEnd(child, step.action, ended);
  child.state = step.next;
  if (GiveUpReplacement(child)) return;
  Perform(child, step.action, ended);
}

bool Master::DiedYoung(const Child& child) const {
  // A mule whose program returns at once shall not keep the machine busy with starting it.
  if (child.kind == ChildKind::kMule)
    return child.state == ChildState::kServing && MonotonicMicros() - child.ready_us < kYoung;
  return child.kind == ChildKind::kWorker && child.state == ChildState::kServing &&
         MonotonicMicros() - child.ready_us < kYoung && SlotOf(child).delta_requests() == 0;
}

void Master::LogEnd(const Child& child, ChildAction action, const Ended& ended) const {
  if (child.is_helper()) {
    const bool is_wanted = action == ChildAction::kReplaceRecycled || action == ChildAction::kBury;
    return LogLine(is_wanted ? message::HelperEnded(child.place->title, ended.pid)
                             : child.place->died_line(ended.pid, ended.wait_status));
  }
  if (child.kind == ChildKind::kOldHelper) return;
  switch (action) {
    case ChildAction::kReplaceRecycled:
      return LogLine(message::WorkerKilled(child.id, ended.pid));
    case ChildAction::kReplaceDead:
    case ChildAction::kReplaceKilled:
    case ChildAction::kRetryLater:
    case ChildAction::kBuryDead:
      return LogLine(message::WorkerDied(child.id, ended.pid, ended.wait_status));
    case ChildAction::kRetryLoading:
      return LogLine(
          message::WorkerCannotStart(child.id, ended.pid, WEXITSTATUS(ended.wait_status)));
    case ChildAction::kBury:
      return LogFarewell(child, ended);
    default:
      return;
  }
}

void Master::LogFarewell(const Child& child, const Ended& ended) const {
  switch (child.farewell) {
    case Farewell::kReplaced:
      return LogLine(message::WorkerKilled(child.id, ended.pid));
    case Farewell::kCheaped:
      return LogLine(message::WorkerCheaped(child.id));
    case Farewell::kBuried: {
      const int64_t since = child.told_to_end_us != 0 ? child.told_to_end_us : MonotonicMicros();
      return LogLine(message::WorkerBuried(child.id, (MonotonicMicros() - since) / kSecond));
    }
  }
}

// No process of before a reload is left.
void Master::ForgetFormer() {
  GiveUpSignalRight();
  if (SignalRouter* const signals = parts_.serving.services->signals; signals != nullptr)
    signals->ForgetFormer();
}

void Master::Bury(Child& child) {
  const int old_helpers = children_.CountProcesses(ChildKind::kOldHelper);
  if (child.kind == ChildKind::kOldHelper && old_helpers == 0 && !stopping_)
    StartAll(ChildKind::kMule);
  if (RowOf(child.kind).restart == Restart::kNever && old_helpers == 0 &&
      children_.CountProcesses(ChildKind::kPredecessor) == 0) {
    lifeline_.CloseOlder();
    parts_.serving.succession->Forget();
    ForgetFormer();
  }
  if (child.kind == ChildKind::kWorker && !stopping_) {
    SignalRouter* const signals = parts_.serving.services->signals;
    if (signals != nullptr && ActiveWorker(child.id) == nullptr) signals->SendAnew(child.id);
    if (child.id == replacing_ && child.farewell == Farewell::kReplaced)
      OnReplacementOver(child.id);
    StartReplacements();
    WantWorkers(0);
  }
  StopWhenEmpty();
}

}  // namespace uwsgi
