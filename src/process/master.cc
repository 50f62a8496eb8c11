// SPDX-License-Identifier: Apache-2.0
#include "process/master.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/log.h"
#include "process/fork.h"
#include "process/harakiri.h"
#include "process/messages.h"
#include "process/worker_end.h"

// What the master does with its children. What it does when it is signalled is in
// master_actions.cc.

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHarakiriPeriod = kSecond / 4;
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

bool IsHelper(const Child& child) { return child.place != nullptr; }

}  // namespace

Master::Master(MasterParts parts, SignalSource signals, std::unique_ptr<EventLoop> loop,
               Lifeline lifeline)
    : parts_(std::move(parts)),
      signals_(std::move(signals)),
      loop_(std::move(loop)),
      lifeline_(std::move(lifeline)),
      trial_(std::in_place, *loop_, *parts_.command) {}

Result<std::unique_ptr<Master>> Master::Create(MasterParts parts, SignalSource signals) {
  auto loop = TRY(EventLoop::Create());
  Lifeline lifeline = TRY(Lifeline::Create());
  std::unique_ptr<Master> master(
      new Master(std::move(parts), std::move(signals), std::move(loop), std::move(lifeline)));
  for (const MasterSignalRow& row : MasterSignals()) {
    if (row.command == MasterCommand::kIgnore) {
      TRY_STATUS(master->signals_->Ignore({row.signal}));
    } else {
      TRY_STATUS(master->signals_->Install(row.signal));
    }
  }
  TRY(master->loop_->Watch(master->signals_->fd(), kReadable,
                           [it = master.get()](uint32_t) { it->ReadSignals(); }));
  return master;
}

int Master::Run() {
  parts_.serving.control->BecomeMaster();
  const std::string title = ComposeTitle(spec().titles, "uWSGI master", /*is_master=*/true);
  if (!title.empty()) SetTitle(title);
  LogLine(parts_.predecessor != nullptr ? message::MasterRespawned(::getpid())
                                        : message::MasterSpawned(::getpid()));
  AddChildren();
  AdoptPredecessors();
  if (const auto begun = BeginDuties(); !begun) {
    LogLine(begun.error().text());
    return begun.error().exit_code;
  }
  StartAll(ChildKind::kSpooler);
  StartAll(ChildKind::kWorker);
  // What a script does alone shall not be done twice.
  if (children_.CountProcesses(ChildKind::kOldHelper) == 0) StartAll(ChildKind::kMule);
  if (workers_ == 0) StartIsOver();
  if (spec().harakiri_us > 0 || !parts_.helpers.empty()) WatchHarakiri();
  if (!parts_.serving.hooks->Run(HookPhase::kMasterStart)) Stop(SIGTERM, spec().prompt_mercy_us, 1);
  // Some may have ended before there was anybody to notice.
  Reap();
  loop_->Run();
  LogLine(is_reload_end_ ? message::kGameOver : message::kGoodbye);
  return exit_status_;
}

void Master::AddChildren() {
  workers_ = parts_.serving.listeners.empty() ? 0 : spec().processes;
  for (int id = 1; id <= workers_; ++id) children_.Add(ChildKind::kWorker, id);
  for (HelperPlace& place : parts_.helpers) children_.Add(place.kind, place.id).place = &place;
}

void Master::StartAll(ChildKind kind) {
  for (Child& child : children_.all()) {
    if (child.kind == kind) Happen(child, ChildEvent::kPauseOver);
  }
}

void Master::AdoptPredecessors() {
  if (parts_.predecessor == nullptr) return;
  InstanceCounters& counters = parts_.serving.scoreboard->instance();
  counters.reloads = static_cast<uint64_t>(parts_.predecessor->reloads);
  counters.failed_reloads = static_cast<uint64_t>(parts_.predecessor->failed_reloads);
  counters.last_reload_s = WallMicros() / kSecond;
  for (const int write_end : parts_.predecessor->lifelines) lifeline_.KeepOpen(write_end);
  for (const OldChild& old : parts_.predecessor->children) {
    Child& child =
        children_.Add(old.is_worker ? ChildKind::kPredecessor : ChildKind::kOldHelper, old.id);
    child.pid = old.pid;
    child.state = old.draining ? ChildState::kDraining : ChildState::kServing;
    child.forked_us = child.ready_us = MonotonicMicros() - kYoung;
    child.told_to_end_us = old.draining ? MonotonicMicros() : 0;
    child.deadline_us = old.deadline_us;
    if (old.draining) WatchDeadline(child);
    if (!old.is_worker) TellToEnd(child, SIGTERM, spec().worker_mercy_us);
  }
}

Status Master::BeginDuties() {
  for (const auto& duty : parts_.duties) TRY_STATUS(duty->Begin(*this));
  return {};
}

void Master::Happen(Child& child, ChildEvent event) {
  const ChildStep step = StepOf(child.state, event);
  child.state = step.next;
  Perform(child, step.action, Ended{});
}

void Master::Perform(Child& child, ChildAction action, const Ended& ended) {
  switch (action) {
    case ChildAction::kNothing:
      return;
    case ChildAction::kAnnounceReady:
      return AnnounceReady(child);
    case ChildAction::kKill:
      ::kill(child.pid, SIGKILL);
      return;
    case ChildAction::kBury:
      return Bury(child);
    case ChildAction::kReplaceRecycled:
    case ChildAction::kReplaceDead:
    case ChildAction::kReplaceKilled:
      child.failed_starts = 0;
      return Happen(child, ChildEvent::kPauseOver);
    case ChildAction::kRetryLater:
      return RetryLater(child);
    case ChildAction::kRetryLoading:
      return RetryLoading(child, ended);
    case ChildAction::kStart:
      return Start(child);
  }
}

void Master::Start(Child& child) {
  const bool is_first = child.spawns++ == 0;
  NoteStart(child);
  ForkSpec fork;
  fork.runtime = parts_.serving.runtime;
  fork.death_signal = spec().no_orphans ? SIGKILL : SIGTERM;
  fork.leave_parent = [this] { LeaveInChild(); };
  fork.main = [this, &child](UniqueFd reports) {
    return IsHelper(child) ? RunHelper(child, std::move(reports))
                           : RunWorker(child.id, std::move(reports));
  };
  auto forked = ForkChild(std::move(fork));
  if (!forked) {
    Log("{} {}: {}", RowOf(child.kind).name, child.id, forked.error().text());
    child.state = ChildState::kPausing;
    return RetryLater(child);
  }
  child.pid = forked->pid;
  child.reports = std::move(forked->reports);
  child.forked_us = MonotonicMicros();
  child.ready_us = child.told_to_end_us = child.deadline_us = 0;
  child.harakiri_tries = 0;
  NoteStarted(child, is_first);
  WatchReports(child);
}

// Before the fork, as the child counts from then on.
void Master::NoteStart(const Child& child) {
  if (IsHelper(child)) {
    HelperSlot& slot = *child.place->slot;
    slot.EndWork();
    Bump(slot.spawns);
    slot.last_spawn_s.store(WallMicros() / kSecond, std::memory_order_relaxed);
    return;
  }
  WorkerSlot& slot = SlotOf(child);
  slot.ready.store(false, std::memory_order_relaxed);
  slot.accepting.store(false, std::memory_order_relaxed);
  slot.state.store(WorkerState::kStarting, std::memory_order_relaxed);
  slot.NoteSpawn(child.id, 0, WallMicros() / kSecond);
}

void Master::NoteStarted(const Child& child, bool is_first) {
  if (IsHelper(child)) {
    child.place->slot->pid.store(child.pid, std::memory_order_relaxed);
    return LogLine(child.place->spawned_line(child.pid));
  }
  SlotOf(child).pid.store(child.pid, std::memory_order_relaxed);
  LogLine(is_first ? message::WorkerSpawned(child.id, child.pid, spec().threads)
                   : message::WorkerRespawned(child.id, child.pid));
}

// In a child: what belongs to the master alone goes.
void Master::LeaveInChild() {
  for (const auto& duty : parts_.duties) duty->LeaveInChild();
  trial_->LeaveInChild();
  for (Child& child : children_.all()) child.reports.Reset();
  lifeline_.LetGo();
  loop_.reset();
  signals_.reset();
}

int Master::RunWorker(int id, UniqueFd reports) {
  parts_.serving.scoreboard->worker(id).pid.store(::getpid(), std::memory_order_relaxed);
  return WorkerMain(parts_.serving, id, lifeline_.read_end(), std::move(reports));
}

int Master::RunHelper(const Child& child, UniqueFd reports) {
  HelperPlace& place = *child.place;
  place.slot->pid.store(::getpid(), std::memory_order_relaxed);
  const std::string title = ComposeTitle(spec().titles, place.title, /*is_master=*/false);
  if (!title.empty()) SetTitle(title);
  ServerControl& control = *parts_.serving.control;
  control.BecomeHelper(place.kind, place.id, std::move(reports));
  const int status =
      place.main({.id = place.id, .master_fd = lifeline_.read_end(), .report_ready = [&control] {
                    control.Report(ChildReport::kReady);
                  }});
  parts_.serving.runtime->End();
  return status;
}

void Master::WatchReports(Child& child) {
  auto watch = loop_->Watch(child.reports.get(), kReadable,
                            [this, &child](uint32_t) { ReadReports(child); });
  if (!watch) {
    Log("{} {}: {}", RowOf(child.kind).name, child.id, watch.error().text());
    return;
  }
  child.reports_watch = *watch;
}

void Master::ReadReports(Child& child) {
  char reports[16];
  for (;;) {
    const ssize_t got = ::read(child.reports.get(), reports, sizeof reports);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    for (const char report : std::string_view(reports, static_cast<size_t>(got))) {
      if (report == static_cast<char>(ChildReport::kReady)) Happen(child, ChildEvent::kReady);
      if (report == static_cast<char>(ChildReport::kHasDeadline)) WatchHarakiri();
    }
  }
  loop_->Unwatch(std::exchange(child.reports_watch, 0));
  child.reports.Reset();
}

void Master::AnnounceReady(Child& child) {
  child.ready_us = MonotonicMicros();
  if (IsHelper(child)) return;
  if (spec().max_lifetime_us > 0) {
    const int64_t lifetime = spec().max_lifetime_us + (child.id - 1) * spec().max_lifetime_delta_us;
    loop_->After(lifetime, [this, pid = child.pid] { OnLifetimeOver(pid); });
  }
  any_ready_ = true;
  if (!started_ && children_.Count(ChildKind::kWorker, ChildState::kServing) == workers_)
    StartIsOver();
}

// Every new worker serves: those of before the reload may go.
void Master::StartIsOver() {
  started_ = true;
  if (parts_.on_started) parts_.on_started();
  for (const auto& duty : parts_.duties) duty->OnStarted();
  EndPredecessors();
}

void Master::EndPredecessors() {
  if (children_.Count(ChildKind::kPredecessor, ChildState::kServing) == 0) return;
  LogLine(message::kReloading);
  for (Child& child : children_.all()) {
    if (child.kind == ChildKind::kPredecessor && child.state == ChildState::kServing) {
      TellToEnd(child, SIGHUP, spec().worker_mercy_us);
    }
  }
}

void Master::RetryLater(Child& child) {
  const int64_t pause_s = PauseAfter(++child.failed_starts, spec().pause_base_s);
  if (pause_s > 0 && !IsHelper(child)) LogLine(message::RespawningTooFast(child.id, pause_s));
  StartLater(child, pause_s);
}

void Master::StartLater(Child& child, int64_t pause_s) {
  child.pause_timer = loop_->After(
      pause_s * kSecond, [this, kind = child.kind, id = child.id] { OnPauseOver(kind, id); });
}

void Master::OnPauseOver(ChildKind kind, int id) {
  Child* const child = children_.Find(kind, id);
  if (child == nullptr || stopping_) return;
  child->pause_timer = 0;
  Happen(*child, ChildEvent::kPauseOver);
}

// A worker that cannot load its application, or not start for another reason that it told. With
// nobody serving, the server has nothing to wait for.
void Master::RetryLoading(Child& child, const Ended& ended) {
  if (IsHelper(child)) return RetryLater(child);
  const bool nobody_serves = !any_ready_ && children_.CountProcesses(ChildKind::kPredecessor) == 0;
  if (!nobody_serves && !spec().need_app) return RetryLater(child);
  if (spec().need_app) LogLine(message::kNeedApp);
  child.state = ChildState::kVacant;
  Stop(SIGTERM, spec().prompt_mercy_us, WEXITSTATUS(ended.wait_status));
}

void Master::TellToEnd(Child& child, int signal, int64_t mercy_us) {
  loop_->Cancel(std::exchange(child.pause_timer, 0));
  const bool is_told = child.state == ChildState::kDraining;
  if (child.has_process() && !is_told) {
    ::kill(child.pid, signal);
    child.told_to_end_us = MonotonicMicros();
  }
  Happen(child, ChildEvent::kToldToEnd);
  const int64_t deadline = MonotonicMicros() + mercy_us;
  if (child.has_process() && (child.deadline_us == 0 || deadline < child.deadline_us)) {
    child.deadline_us = deadline;
    WatchDeadline(child);
  }
}

void Master::WatchDeadline(const Child& child) {
  const int64_t left = std::max<int64_t>(child.deadline_us - MonotonicMicros(), 0);
  loop_->After(left, [this, pid = child.pid] { OnDeadline(pid); });
}

void Master::OnDeadline(pid_t pid) {
  Child* const child = children_.FindPid(pid);
  if (child == nullptr || child->deadline_us == 0 || MonotonicMicros() < child->deadline_us) return;
  if (StepOf(child->state, ChildEvent::kOutOfTime).action != ChildAction::kKill) return;
  LogDatedLine(message::NoMercy(RowOf(child->kind).name, child->id, child->pid));
  Happen(*child, ChildEvent::kOutOfTime);
}

void Master::OnLifetimeOver(pid_t pid) {
  Child* const child = children_.FindPid(pid);
  if (child == nullptr || child->state != ChildState::kServing) return;
  const int64_t now = MonotonicMicros();
  LogLine(message::WorkerLifetimeReached(child->id, (now - child->forked_us) / kSecond));
  ::kill(pid, SIGHUP);
  child->deadline_us = now + spec().worker_mercy_us;
  Happen(*child, ChildEvent::kTooOld);
  WatchDeadline(*child);
}

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
  if (event != ChildEvent::kEndedWell && DiedYoung(child)) child.state = ChildState::kStarting;
  const Ended ended{child.pid, wait_status};
  NoteWorkerEnd(*parts_.serving.scoreboard, child, {child.pid, wait_status, event, stopping_});
  child.pid = 0;
  loop_->Unwatch(std::exchange(child.reports_watch, 0));
  child.reports.Reset();
  ChildStep step = StepOf(child.state, event);
  if (RowOf(child.kind).restart == Restart::kNever) {
    step = {ChildState::kVacant, ChildAction::kBury};
  } else if (IsHelper(child)) {
    child.place->slot->EndWork();
    child.place->slot->pid.store(0, std::memory_order_relaxed);
  } else {
    SlotOf(child).state.store(WorkerState::kGone, std::memory_order_relaxed);
    SlotOf(child).pid.store(0, std::memory_order_relaxed);
  }
  LogEnd(child, step.action, ended);
  child.state = step.next;
  Perform(child, step.action, ended);
}

bool Master::DiedYoung(const Child& child) const {
  return child.kind == ChildKind::kWorker && child.state == ChildState::kServing &&
         MonotonicMicros() - child.ready_us < kYoung && SlotOf(child).delta_requests() == 0;
}

void Master::LogEnd(const Child& child, ChildAction action, const Ended& ended) const {
  if (IsHelper(child)) {
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
      return LogLine(message::WorkerDied(child.id, ended.pid, ended.wait_status));
    case ChildAction::kRetryLoading:
      return LogLine(message::WorkerLacksApp(child.id, ended.pid));
    case ChildAction::kBury: {
      const int64_t since = child.told_to_end_us != 0 ? child.told_to_end_us : MonotonicMicros();
      return LogLine(message::WorkerBuried(child.id, (MonotonicMicros() - since) / kSecond));
    }
    default:
      return;
  }
}

void Master::Bury(Child& child) {
  const int old_helpers = children_.CountProcesses(ChildKind::kOldHelper);
  if (child.kind == ChildKind::kOldHelper && old_helpers == 0 && !stopping_)
    StartAll(ChildKind::kMule);
  if (RowOf(child.kind).restart == Restart::kNever && old_helpers == 0 &&
      children_.CountProcesses(ChildKind::kPredecessor) == 0) {
    lifeline_.CloseOlder();
    children_.ForgetPredecessors();
  }
  StopWhenEmpty();
}

void Master::WatchHarakiri() {
  if (harakiri_timer_ == 0)
    harakiri_timer_ = loop_->Every(kHarakiriPeriod, [this] { CheckHarakiri(); });
}

void Master::CheckHarakiri() {
  for (Child& child : children_.all()) {
    const bool may_be_killed =
        child.state == ChildState::kServing || child.state == ChildState::kRecycling;
    if (may_be_killed && IsHelper(child)) CheckHelperHarakiri(child);
    if (child.kind != ChildKind::kWorker || !may_be_killed) continue;
    WorkerSlot& slot = SlotOf(child);
    if (!FindOverdue(slot, spec().harakiri_us, MonotonicMicros())) continue;
    slot.totals->harakiri_count.fetch_add(1, std::memory_order_relaxed);
    const auto lines = DescribeHarakiri(slot, child.id, child.pid, ++child.harakiri_tries,
                                        spec().harakiri_verbose);
    for (const std::string& line : lines) LogDatedLine(line);
    Happen(child, ChildEvent::kHarakiri);
  }
}

void Master::CheckHelperHarakiri(Child& child) {
  HelperSlot& slot = *child.place->slot;
  const int64_t deadline = slot.deadline_us.load(std::memory_order_relaxed);
  if (deadline == 0 || MonotonicMicros() < deadline) return;
  Bump(slot.harakiri_count);
  LogDatedLine(message::HelperHarakiri(child.kind == ChildKind::kSpooler, child.id, child.pid));
  Happen(child, ChildEvent::kHarakiri);
}

}  // namespace uwsgi
