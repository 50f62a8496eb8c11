// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"
#include "process/master.h"
#include "process/messages.h"
#include "worker/succession.h"

// Which workers there are: how one is replaced by another that serves before it leaves, and how
// many there shall be.

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
// Where one worker at a time is replaced, the next one does not wait for longer than this for the
// last requests of the one before.
constexpr int64_t kLongestTurn = 3 * kSecond;
constexpr int64_t kChainSaysEvery = 2 * kSecond;

bool IsOneAtATime(ReplaceReason reason) {
  return reason == ReplaceReason::kLimit || reason == ReplaceReason::kChain;
}

// A reload that fails leaves everything as it was; other replacements are tried again.
bool IsGivenUpOnFailure(ReplaceReason reason) {
  return reason == ReplaceReason::kReload || reason == ReplaceReason::kChain;
}

bool IsKilledAtReload(ChildState state) {
  return state == ChildState::kServing || state == ChildState::kStarting ||
         state == ChildState::kOutgoing;
}

}  // namespace

// --- replacing ---

void Master::WantReplacement(Child& child, ReplaceReason reason) {
  child.asked = reason;
  if (child.state == ChildState::kServing) Order(child.id, reason);
  StartReplacements();
}

bool Master::HasOrder(int id) const {
  return std::ranges::any_of(orders_, [id](const auto& order) { return order.id == id; });
}

// The stronger reason wins: one that waits for nobody.
void Master::Order(int id, ReplaceReason reason) {
  const auto found =
      std::ranges::find_if(orders_, [id](const auto& order) { return order.id == id; });
  if (found == orders_.end()) {
    orders_.push_back({id, reason});
  } else if (IsOneAtATime(found->reason)) {
    found->reason = reason;
  }
}

void Master::DropOrders(ReplaceReason reason) {
  std::erase_if(orders_, [reason](const auto& order) { return order.reason == reason; });
}

// The worker serves, its other berth is free, and it has its turn.
bool Master::MayBegin(const ReplacementOrder& order) {
  Child* const child = ActiveWorker(order.id);
  return child->state == ChildState::kServing && !children_.TwinOf(*child).has_process() &&
         (replacing_ == 0 || !IsOneAtATime(order.reason));
}

void Master::StartReplacements() {
  if (stopping_) return;
  std::erase_if(orders_, [this](const auto& order) { return ActiveWorker(order.id) == nullptr; });
  for (;;) {
    const auto next =
        std::ranges::find_if(orders_, [this](const auto& order) { return MayBegin(order); });
    if (next == orders_.end()) break;
    const ReplacementOrder order = *next;
    orders_.erase(next);
    BeginReplacement(*ActiveWorker(order.id), order.reason);
  }
  // Workers that reach a limit meanwhile take turns, too; they do not make the chain longer.
  const bool chain_goes_on =
      (replacing_ != 0 && is_turn_of_chain_) || std::ranges::any_of(orders_, [](const auto& order) {
        return order.reason == ReplaceReason::kChain;
      });
  if (is_chain_reload_ && !chain_goes_on) {
    is_chain_reload_ = false;
    loop_->Cancel(std::exchange(chain_timer_, 0));
    LogLine("chain reloading complete");
  }
  CheckWorkerReload();
}

void Master::CheckWorkerReload() {
  if (!is_worker_reload_) return;
  const bool goes_on =
      std::ranges::any_of(
          orders_, [](const auto& order) { return order.reason == ReplaceReason::kReload; }) ||
      std::ranges::any_of(children_.all(), [](const Child& child) {
        return child.state == ChildState::kOutgoing && child.reason == ReplaceReason::kReload;
      });
  if (goes_on) return;
  is_worker_reload_ = false;
  for (const auto& duty : parts_.duties) duty->OnWorkersReloaded();
}

void Master::BeginReplacement(Child& child, ReplaceReason reason) {
  if (IsOneAtATime(reason)) {
    replacing_ = child.id;
    is_turn_of_chain_ = reason == ReplaceReason::kChain;
  }
  if (reason == ReplaceReason::kChain) Log("chain next victim is worker {}", child.id);
  child.reason = reason;
  child.farewell = Farewell::kReplaced;
  Happen(child, ChildEvent::kReplace);
}

void Master::StartSuccessor(Child& outgoing) {
  Child& successor = children_.TwinOf(outgoing);
  // It counts as the same worker: its first start was that of the first process.
  successor.spawns = std::max(successor.spawns, outgoing.spawns);
  Happen(successor, ChildEvent::kPauseOver);
}

// Time to finish its requests, for a worker whose replacement serves.
int64_t Master::MercyFor(ReplaceReason reason) const {
  if (reason == ReplaceReason::kEvil) return spec().prompt_mercy_us;
  if (reason != ReplaceReason::kOverdue) return spec().worker_mercy_us;
  // One of them will not end; the others would be overdue themselves after this.
  const int64_t limit = spec().harakiri_us > 0 ? spec().harakiri_us : spec().prompt_mercy_us;
  return std::min(spec().worker_mercy_us, limit + spec().harakiri_grace_us);
}

// Its successor serves.
void Master::LetGo(Child& outgoing) {
  TellToEnd(outgoing, SIGHUP, MercyFor(outgoing.reason));
  if (replacing_ != outgoing.id) return;
  loop_->Cancel(replacing_timer_);
  replacing_timer_ = loop_->After(kLongestTurn, [this, id = outgoing.id] {
    OnReplacementOver(id);
    StartReplacements();
  });
}

void Master::OnReplacementOver(int id) {
  if (replacing_ != id) return;
  replacing_ = 0;
  loop_->Cancel(std::exchange(replacing_timer_, 0));
}

bool Master::GiveUpReplacement(Child& successor) {
  if (successor.kind != ChildKind::kWorker || successor.state != ChildState::kPausing) return false;
  Child& outgoing = children_.TwinOf(successor);
  const ReplaceReason reason = outgoing.reason;
  if (outgoing.state != ChildState::kOutgoing || !IsGivenUpOnFailure(reason)) return false;
  Log("*** the reload of the workers has been given up, the new worker {} did not start; those "
      "that serve go on ***",
      successor.id);
  successor.state = ChildState::kVacant;
  successor.failed_starts = 0;
  outgoing.farewell = Farewell::kBuried;
  Happen(outgoing, ChildEvent::kNotReplaced);
  DropOrders(reason);
  // They say only once that they want to go, and the reload may have taken their turns.
  for (const Child& child : children_.all()) {
    if (child.kind == ChildKind::kWorker && child.state == ChildState::kServing &&
        child.asked != ReplaceReason::kNone && !HasOrder(child.id))
      Order(child.id, child.asked);
  }
  is_chain_reload_ = is_chain_reload_ && reason != ReplaceReason::kChain;
  loop_->Cancel(std::exchange(chain_timer_, 0));
  OnReplacementOver(outgoing.id);
  StartReplacements();
  return true;
}

void Master::NoteWorkerReload() {
  InstanceCounters& counters = parts_.serving.scoreboard->instance();
  Bump(counters.worker_reloads);
  counters.last_reload_s = WallMicros() / 1'000'000;
}

void Master::ReloadWorkers() {
  if (stopping_) return;
  NoteWorkerReload();
  is_worker_reload_ = true;
  for (int id = 1; id <= workers_; ++id) {
    if (ActiveWorker(id) != nullptr) Order(id, ReplaceReason::kReload);
  }
  StartReplacements();
}

// Also those that are starting, which may have read the former code, and those that others are
// about to replace.
void Master::ReloadWorkersBrutally() {
  if (stopping_) return;
  NoteWorkerReload();
  for (Child& child : children_.all()) {
    if (child.kind != ChildKind::kWorker || !IsKilledAtReload(child.state)) continue;
    Log("killing worker {} (pid: {})", child.id, child.pid);
    Happen(child, ChildEvent::kHarakiri);
  }
}

// Asked for once more while it is going on, it has to visit those again that it has been to: their
// files may have changed since.
void Master::ChainReload() {
  if (stopping_) return;
  if (is_chain_reload_) {
    LogLine("chain reload: asked for once more, every worker has its turn again");
  } else {
    LogLine("chain reload starting...");
    chain_timer_ = loop_->Every(kChainSaysEvery, [this] { SayChainWaits(); });
  }
  NoteWorkerReload();
  is_chain_reload_ = true;
  for (int id = 1; id <= workers_; ++id) {
    if (ActiveWorker(id) != nullptr) Order(id, ReplaceReason::kChain);
  }
  StartReplacements();
}

void Master::SayChainWaits() {
  if (replacing_ != 0) Log("chain is still waiting for worker {}...", replacing_);
}

// --- how many, and for how long ---

void Master::WatchWorkers() {
  const SupervisionSpec& it = spec();
  last_request_us_ = MonotonicMicros();
  if (it.scaling.enabled || it.idle_us > 0 || it.recycle.max_lifetime_us > 0 ||
      it.recycle.watches_memory() || it.shows_memory)
    loop_->Every(it.look_period_us, [this] { LookAtWorkers(); });
}

void Master::LookAtWorkers() {
  if (stopping_) return;
  MeasureMemory();
  CheckLimits();
  CheckIdle();
  if (spec().scaling.enabled && started_ && !is_cheap_ && !stopping_) Scale();
}

void Master::MeasureMemory() {
  const SupervisionSpec& it = spec();
  const bool is_urgent = it.recycle.address_space > 0 || it.recycle.resident > 0 ||
                         it.scaling.rss_soft_limit > 0 || it.scaling.rss_hard_limit > 0;
  const int64_t now_us = MonotonicMicros();
  if (!is_urgent && !it.recycle.watches_memory() && !it.shows_memory) return;
  if (!is_urgent && now_us - memory_measured_us_ < it.recycle.memory_period_us) return;
  memory_measured_us_ = now_us;
  for (Child& child : children_.all()) {
    if (child.kind != ChildKind::kWorker || !child.has_process()) continue;
    const auto memory = MemoryOf(child.pid);
    if (!memory) continue;  // it has just ended
    SlotOf(child).rss.store(memory->resident, std::memory_order_relaxed);
    SlotOf(child).vsz.store(memory->address_space, std::memory_order_relaxed);
  }
}

void Master::CheckLimits() {
  for (Child& child : children_.all()) {
    if (child.kind != ChildKind::kWorker || child.state != ChildState::kServing) continue;
    const WorkerSlot& slot = SlotOf(child);
    const WorkerAge age{.id = child.id,
                        .age_us = MonotonicMicros() - child.forked_us,
                        .memory = {.resident = slot.rss.load(std::memory_order_relaxed),
                                   .address_space = slot.vsz.load(std::memory_order_relaxed)}};
    const RecycleReason reason = ReasonToRecycle(spec().recycle, age);
    const bool is_stronger = IsEvil(reason) && child.asked != ReplaceReason::kEvil;
    if (reason == RecycleReason::kNone || (HasOrder(child.id) && !is_stronger)) continue;
    LogLine(DescribeRecycling(reason, age, child.pid));
    WantReplacement(child, IsEvil(reason) ? ReplaceReason::kEvil : ReplaceReason::kLimit);
  }
}

// The process that serves under this id, or is going to; null when none is wanted.
Child* Master::ActiveWorker(int id) {
  Child* active = nullptr;
  for (int berth = 0; berth < Scoreboard::kBerths; ++berth) {
    Child* const child = children_.Find(ChildKind::kWorker, id, berth);
    if (child == nullptr || !child->is_active()) continue;
    if (active == nullptr || active->state == ChildState::kOutgoing) active = child;
  }
  return active;
}

int Master::CountActiveWorkers() {
  int count = 0;
  for (int id = 1; id <= workers_; ++id) count += ActiveWorker(id) != nullptr ? 1 : 0;
  return count;
}

ScalingView Master::ViewOfWorkers() {
  ScalingView view;
  view.now_us = MonotonicMicros();
  view.cores = spec().threads;
  for (int id = 1; id <= workers_; ++id) {
    const Child* const child = ActiveWorker(id);
    ScalingWorker worker{.id = id, .active = child != nullptr};
    if (child != nullptr) {
      worker.starting = child->state != ChildState::kServing;
      worker.spawned_us = child->forked_us;
      const WorkerSlot& slot = SlotOf(*child);
      worker.busy_cores = slot.busy_cores();
      worker.running_us =
          static_cast<int64_t>(slot.totals->running_time_us.load(std::memory_order_relaxed));
      for (const CoreSlot& core : slot.cores()) {
        const int64_t started_us = core.request_started_us.load(std::memory_order_relaxed);
        if (started_us != 0) worker.running_us += std::max<int64_t>(view.now_us - started_us, 0);
      }
    }
    view.workers.push_back(worker);
  }
  for (const Child& child : children_.all()) {
    if (child.kind == ChildKind::kWorker && child.has_process())
      view.rss_bytes += SlotOf(child).rss.load(std::memory_order_relaxed);
  }
  for (const Listener* listener : parts_.serving.listeners)
    view.backlog = std::max<int64_t>(view.backlog, listener->queue().waiting);
  return view;
}

void Master::Scale() {
  ScalingView view = ViewOfWorkers();
  const ScalingDecision decision = Decide(spec().scaling, view, scaling_memory_);
  if (spec().scaling.busyness.verbose && !decision.note.empty()) LogLine(decision.note);
  static_cast<void>(AddWorkers(decision.add));  // what is missing is decided anew at the next look
  for (int i = 0; i < decision.remove; ++i) {
    const auto id = ChooseWorkerToStop(view);
    if (!id) return;
    view.workers[static_cast<size_t>(*id - 1)].active = false;
    StopWorker(*id);
  }
}

// In the free places with the lowest numbers. How many have to wait for a place: both berths of one
// may be taken by processes that finish their requests.
int Master::AddWorkers(int count) {
  int blocked = 0;
  for (int id = 1; id <= workers_ && count > 0; ++id) {
    if (ActiveWorker(id) != nullptr) continue;
    Child* const first = children_.Find(ChildKind::kWorker, id);
    Child& child = first->has_process() ? children_.TwinOf(*first) : *first;
    if (child.has_process()) {
      ++blocked;
      continue;
    }
    child.spawns = std::max(child.spawns, children_.TwinOf(child).spawns);
    Happen(child, ChildEvent::kPauseOver);
    --count;
  }
  return std::min(count, blocked);
}

// The same; those that have to wait are started as soon as they can be.
void Master::WantWorkers(int count) { owed_workers_ = AddWorkers(owed_workers_ + count); }

// With it goes who is about to replace it, whose turn would not end otherwise.
void Master::StopWorker(int id) {
  for (Child& child : children_.all()) {
    if (child.kind != ChildKind::kWorker || child.id != id || !child.is_active()) continue;
    child.farewell = Farewell::kCheaped;
    TellToEnd(child, SIGHUP, spec().worker_mercy_us);
  }
  OnReplacementOver(id);
  // A start does not wait for it.
  first_workers_ = std::min(first_workers_, CountActiveWorkers());
  CheckStarted();
  StartReplacements();
}

// By command: one that does nothing, else the one with the highest number; the last one stays.
void Master::StopAnyWorker() {
  if (stopping_ || CountActiveWorkers() + owed_workers_ <= 1) return;
  if (owed_workers_ > 0) return void(--owed_workers_);
  const ScalingView view = ViewOfWorkers();
  if (const auto id = ChooseWorkerToStop(view)) return StopWorker(*id);
  for (int id = workers_; id >= 1; --id) {
    if (ActiveWorker(id) != nullptr) return StopWorker(id);
  }
}

void Master::CheckIdle() {
  if (spec().idle_us == 0 || is_cheap_) return;
  const uint64_t requests =
      parts_.serving.scoreboard->total_requests().load(std::memory_order_relaxed);
  const bool any_busy = std::ranges::any_of(parts_.serving.scoreboard->all_berths(),
                                            [](const auto& slot) { return slot.busy_cores() > 0; });
  const int64_t now_us = MonotonicMicros();
  const bool any_new = requests != std::exchange(requests_seen_, requests);
  // Those who load the application are about to serve.
  const bool any_starting =
      !started_ || children_.Count(ChildKind::kWorker, ChildState::kStarting) > 0;
  if (any_busy || any_new || any_starting) last_request_us_ = now_us;
  if (now_us - last_request_us_ < spec().idle_us) return;
  const int64_t now_s = WallMicros() / kSecond;
  LogLine(message::WorkersIdle(spec().idle_us / kSecond, now_s,
                               now_s - (now_us - last_request_us_) / kSecond));
  if (!spec().die_on_idle) return GoCheap();
  // An Emperor who is told so has this long to answer, before it is told again.
  last_request_us_ = now_us;
  Command(MasterCommand::kBeIdle, {});
}

// Every worker ends; the next connection starts them again.
void Master::GoCheap() {
  if (stopping_ || is_cheap_ || workers_ == 0) return;
  orders_.clear();
  owed_workers_ = 0;
  OnReplacementOver(replacing_);
  parts_.serving.succession->RefuseLetters();
  for (Child& child : children_.all()) {
    if (child.kind != ChildKind::kWorker || !child.is_active()) continue;
    child.farewell = Farewell::kCheaped;
    TellToEnd(child, SIGHUP, spec().worker_mercy_us);
  }
  WaitForConnection();
}

void Master::WaitForConnection() {
  LogLine(message::kCheap);
  is_cheap_ = true;
  for (const Listener* listener : parts_.serving.listeners) {
    auto watch = loop_->Watch(listener->fd(), kReadable, [this](uint32_t) { OnConnection(); });
    if (watch) {
      door_watches_.push_back(*watch);
    } else {
      Log("cheap: {}", watch.error().text());
    }
  }
}

// There are going to be workers.
void Master::LeaveCheapMode() {
  if (!std::exchange(is_cheap_, false)) return;
  for (const WatchId watch : std::exchange(door_watches_, {})) loop_->Unwatch(watch);
  last_request_us_ = MonotonicMicros();
}

void Master::OnConnection() {
  LeaveCheapMode();
  if (!stopping_) WantWorkers(spec().scaling.initial);
}

}  // namespace uwsgi
