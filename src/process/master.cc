// SPDX-License-Identifier: Apache-2.0
#include "process/master.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/log.h"
#include "process/fork.h"
#include "process/messages.h"
#include "process/privileges.h"
#include "worker/succession.h"

// What the master does with all of its children. Their ends are in master_reaping.cc, the number
// and the replacement of workers in master_workers.cc, what it does when it is told to in
// master_actions.cc.

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

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
  WantWorkers(first_workers_);
  // What a script does alone shall not be done twice.
  if (children_.CountProcesses(ChildKind::kOldHelper) == 0) StartAll(ChildKind::kMule);
  if (workers_ > 0 && first_workers_ == 0) WaitForConnection();
  if (first_workers_ == 0) StartIsOver();
  if (spec().harakiri_us > 0 || !parts_.helpers.empty()) WatchHarakiri();
  if (!parts_.serving.hooks->Run(HookPhase::kMasterStart)) Stop(SIGTERM, Patience::kShort, 1);
  parts_.serving.hooks->services().patience_s = HookServices::kMasterPatienceS;
  if (workers_ > 0) WatchWorkers();
  // Some may have ended before there was anybody to notice.
  Reap();
  loop_->Run();
  LogLine(is_reload_end_ ? message::kGameOver : message::kGoodbye);
  return exit_status_;
}

void Master::AddChildren() {
  workers_ = parts_.serving.listeners.empty() ? 0 : spec().processes;
  first_workers_ = workers_ == 0 || spec().cheap ? 0 : spec().scaling.initial;
  for (int id = 1; id <= workers_; ++id) {
    for (int berth = 0; berth < Scoreboard::kBerths; ++berth)
      children_.Add(ChildKind::kWorker, id).berth = berth;
  }
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
  if (parts_.predecessor->children.empty()) ForgetFormer();
  for (const OldChild& old : parts_.predecessor->children) {
    Child& child =
        children_.Add(old.is_worker ? ChildKind::kPredecessor : ChildKind::kOldHelper, old.id);
    child.pid = old.pid;
    child.state = old.draining ? ChildState::kDraining : ChildState::kServing;
    child.forked_us = child.ready_us = MonotonicMicros() - kSecond;
    child.told_to_end_us = old.draining ? MonotonicMicros() : 0;
    child.deadline_us = old.deadline_us;
    if (old.deadline_us != 0) WatchDeadline(child);
    if (!old.is_worker) TellToEnd(child, SIGTERM, old.mercy_us);
  }
}

Status Master::BeginDuties() {
  for (const auto& duty : parts_.duties) {
    Status begun = duty->Begin(*this);
    if (begun) continue;
    if (parts_.predecessor == nullptr) return begun;
    // The trial of a reload binds nothing for the master, and now there is no way back: better a
    // server without it than none.
    Log("{}; the server goes on without it until it is reloaded again", begun.error().text());
  }
  CloseUntakenDescriptors(parts_.predecessor);
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
    case ChildAction::kStartSuccessor:
      return StartSuccessor(child);
    case ChildAction::kBuryDead:
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

void Master::FillPlaces(ChildKind kind) {
  for (Child& child : children_.all()) {
    if (child.kind == kind && child.state == ChildState::kVacant && !stopping_)
      Happen(child, ChildEvent::kPauseOver);
  }
}

void Master::Start(Child& child) {
  if (child.is_helper() && child.place->is_wanted && !child.place->is_wanted()) {
    child.state = ChildState::kVacant;
    return;
  }
  const bool is_first = child.spawns++ == 0;
  NoteStart(child);
  ForkSpec fork;
  fork.runtime = parts_.serving.runtime;
  fork.death_signal = spec().no_orphans ? SIGKILL : SIGTERM;
  fork.leave_parent = [this] { LeaveInChild(); };
  fork.log = parts_.serving.log;
  fork.log_as = RowOf(child.kind).name;
  if (child.is_helper()) fork.log_as += fmt::format(" {}", child.id);
  fork.log_worker = child.is_helper() ? 0 : child.id;
  fork.main = [this, &child](UniqueFd reports) {
    return child.is_helper() ? RunHelper(child, std::move(reports))
                             : RunWorker(child, std::move(reports));
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
  child.is_outdated = false;
  child.reason = child.asked = ReplaceReason::kNone;
  child.farewell = Farewell::kBuried;
  NoteStarted(child, is_first);
  WatchReports(child);
}

// Before the fork, as the child counts from then on.
void Master::NoteStart(const Child& child) {
  if (child.is_helper()) {
    HelperSlot& slot = *child.place->slot;
    slot.EndWork();
    Bump(slot.spawns);
    slot.last_spawn_s.store(WallMicros() / kSecond, std::memory_order_relaxed);
    return;
  }
  SlotOf(child).NoteSpawn(child.id, 0, WallMicros() / kSecond);
  // A process that is replaced shows until its successor serves.
  if (children_.TwinOf(child).state != ChildState::kOutgoing)
    parts_.serving.scoreboard->MakeCurrent(child.id, child.berth);
}

void Master::NoteStarted(const Child& child, bool is_first) {
  if (child.is_helper()) {
    child.place->slot->pid.store(child.pid, std::memory_order_relaxed);
    return LogLine(child.place->spawned_line(child.pid));
  }
  SlotOf(child).pid.store(child.pid, std::memory_order_relaxed);
  LogLine(is_first ? message::WorkerSpawned(child.id, child.pid, spec().threads)
                   : message::WorkerRespawned(child.id, child.pid));
}

// In a child: what belongs to the master alone goes.
void Master::LeaveInChild() {
  // Whatever is taken apart here is to stay in the parent's loop.
  loop_->LeaveInChild();
  for (const auto& duty : parts_.duties) duty->LeaveInChild();
  parts_.serving.succession->LeaveInChild();
  parts_.serving.hooks->services().patience_s = HookServices::kFullPatienceS;
  parts_.serving.hooks->LeaveInChild();
  trial_->LeaveInChild();
  for (Child& child : children_.all()) child.reports.Reset();
  lifeline_.LetGo();
  loop_.reset();
  signals_.reset();
}

int Master::RunWorker(const Child& child, UniqueFd reports) {
  SlotOf(child).pid.store(::getpid(), std::memory_order_relaxed);
  return WorkerMain(parts_.serving, child.id, child.berth, lifeline_.WatchInChild(pid_),
                    std::move(reports));
}

int Master::RunHelper(const Child& child, UniqueFd reports) {
  HelperPlace& place = *child.place;
  place.slot->pid.store(::getpid(), std::memory_order_relaxed);
  const std::string title = ComposeTitle(spec().titles, place.title, /*is_master=*/false);
  if (!title.empty()) SetTitle(title);
  ServerControl& control = *parts_.serving.control;
  control.BecomeHelper(place.kind, place.id, std::move(reports), place.slot);
  if (const auto left = LeaveRoot(parts_.serving); !left) {
    Log("{}: {}", place.title, left.error().text());
    return left.error().exit_code;
  }
  const int status = place.main(
      {.id = place.id, .master_fd = lifeline_.WatchInChild(pid_), .report_ready = [&control] {
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
    for (const char report : std::string_view(reports, static_cast<size_t>(got)))
      OnReport(child, static_cast<ChildReport>(report));
  }
  loop_->Unwatch(std::exchange(child.reports_watch, 0));
  child.reports.Reset();
}

void Master::OnReport(Child& child, ChildReport report) {
  switch (report) {
    case ChildReport::kReady:
      return Happen(child, ChildEvent::kReady);
    case ChildReport::kHasDeadline:
      return WatchHarakiri();
    case ChildReport::kHasServed:
      LogLine(message::WorkerHasServed(child.id, child.pid, SlotOf(child).delta_requests()));
      return WantReplacement(child, ReplaceReason::kLimit);
    case ChildReport::kHasRaised:
      LogLine(message::WorkerHasRaised(child.id, child.pid));
      return WantReplacement(child, ReplaceReason::kLimit);
    case ChildReport::kHasNewCode:
      return ReloadForNewCode();
    case ChildReport::kIsOverdue:
      if (child.state == ChildState::kDraining) return Hurry(child, spec().harakiri_grace_us);
      return WantReplacement(child, ReplaceReason::kOverdue);
    case ChildReport::kHasWaiting:
      if (is_cheap_) OnConnection();
      return;
  }
}

// What is left of its time to end becomes at most this.
void Master::Hurry(Child& child, int64_t left_us) {
  const int64_t deadline = MonotonicMicros() + left_us;
  if (child.deadline_us != 0 && child.deadline_us <= deadline) return;
  child.deadline_us = deadline;
  WatchDeadline(child);
}

void Master::AnnounceReady(Child& child) {
  child.ready_us = MonotonicMicros();
  if (child.is_helper()) {
    if (std::exchange(child.is_outdated, false) && !stopping_) ReloadHelper(child);
    return;
  }
  parts_.serving.scoreboard->MakeCurrent(child.id, child.berth);
  any_ready_ = true;
  if (Child& twin = children_.TwinOf(child); twin.state == ChildState::kOutgoing) LetGo(twin);
  CheckStarted();
  StartReplacements();
}

void Master::CheckStarted() {
  if (!started_ && !stopping_ &&
      children_.Count(ChildKind::kWorker, ChildState::kServing) >= first_workers_)
    StartIsOver();
}

// Every new worker serves: those of before the reload may go.
void Master::StartIsOver() {
  started_ = true;
  if (parts_.on_started) parts_.on_started();
  for (const auto& duty : parts_.duties) duty->OnStarted();
  EndPredecessors();
  RemoveFormerFiles();
}

void Master::EndPredecessors() {
  if (children_.Count(ChildKind::kPredecessor, ChildState::kServing) == 0) return;
  LogLine(message::kReloading);
  if (first_workers_ > 0) parts_.serving.succession->Invite();
  for (Child& child : children_.all()) {
    if (child.kind == ChildKind::kPredecessor && child.state == ChildState::kServing) {
      TellToEnd(child, parts_.predecessor->brutal ? SIGQUIT : SIGHUP, spec().worker_mercy_us);
    }
  }
}

void Master::RetryLater(Child& child) {
  const int64_t pause_s = PauseAfter(++child.failed_starts, spec().pause_base_s);
  if (pause_s > 0 && !child.is_helper()) LogLine(message::RespawningTooFast(child.id, pause_s));
  StartLater(child, pause_s);
}

void Master::StartLater(Child& child, int64_t pause_s) {
  child.pause_timer =
      loop_->After(pause_s * kSecond, [this, kind = child.kind, id = child.id,
                                       berth = child.berth] { OnPauseOver(kind, id, berth); });
}

void Master::OnPauseOver(ChildKind kind, int id, int berth) {
  Child* const child = children_.Find(kind, id, berth);
  if (child == nullptr || stopping_) return;
  child->pause_timer = 0;
  Happen(*child, ChildEvent::kPauseOver);
}

// A worker that cannot load its application, or not start for another reason that it told. With
// nobody serving, the server has nothing to wait for.
void Master::RetryLoading(Child& child, const Ended& ended) {
  if (child.is_helper()) return RetryLater(child);
  if (children_.TwinOf(child).state == ChildState::kOutgoing) return RetryLater(child);
  const bool former_serve = children_.Count(ChildKind::kPredecessor, ChildState::kServing) > 0;
  const bool nobody_serves = !any_ready_ && !former_serve;
  if (former_serve || (!nobody_serves && !spec().need_app)) return RetryLater(child);
  if (spec().need_app) LogLine(message::kNeedApp);
  child.state = ChildState::kVacant;
  Stop(SIGTERM, Patience::kShort, WEXITSTATUS(ended.wait_status));
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

}  // namespace uwsgi
