// SPDX-License-Identifier: Apache-2.0
#include "process/process_control.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/stats_json.h"
#include "runtime/harakiri_limit.h"
#include "worker/harakiri.h"

namespace uwsgi {
namespace {

WorkerInfo InfoOf(const WorkerSlot& slot, int id, bool paused) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  WorkerInfo info;
  info.id = id;
  info.pid = slot.pid.load(kRelaxed);
  info.requests = slot.requests();
  info.delta_requests = slot.delta_requests();
  info.signals = slot.totals->signals.load(kRelaxed);
  info.exceptions = slot.Total(&CoreSlot::exceptions);
  info.status = WorkerStatus(slot, paused);
  info.rss = slot.rss.load(kRelaxed);
  info.vsz = slot.vsz.load(kRelaxed);
  info.running_time = slot.totals->running_time_us.load(kRelaxed);
  info.last_spawn = slot.last_spawn_s.load(kRelaxed);
  info.respawn_count = slot.totals->respawn_count.load(kRelaxed);
  info.tx = slot.totals->tx.load(kRelaxed);
  info.avg_rt = slot.totals->avg_rt_us.load(kRelaxed);
  return info;
}

}  // namespace

void ServerControl::BecomeMaster() { master_pid_ = first_pid_ = ::getpid(); }

void ServerControl::BecomeFirst() { first_pid_ = ::getpid(); }

void ServerControl::BecomeWorker(int id, UniqueFd reports, int berth) {
  worker_id_ = id;
  slot_ = &scoreboard_.berth(id, berth);
  reports_ = std::move(reports);
}

void ServerControl::BecomeHelper(ChildKind kind, int id, UniqueFd reports, HelperSlot* slot) {
  helper_slot_ = slot;
  if (kind == ChildKind::kMule) mule_id_ = id;
  is_spooler_ = kind == ChildKind::kSpooler;
  reports_ = std::move(reports);
}

void ServerControl::Report(ChildReport report) const {
  if (!reports_.valid()) return;
  const char byte = static_cast<char>(report);
  // The master may be gone, which the worker learns in another way.
  [[maybe_unused]] const ssize_t written = ::write(reports_.get(), &byte, 1);
}

std::vector<WorkerInfo> ServerControl::workers() const {
  std::vector<WorkerInfo> all;
  const bool paused = scoreboard_.paused().load(std::memory_order_relaxed);
  for (int id = 1; id <= scoreboard_.workers(); ++id)
    all.push_back(InfoOf(scoreboard_.worker(id), id, paused));
  return all;
}

uint64_t ServerControl::total_requests() const {
  return scoreboard_.total_requests().load(std::memory_order_relaxed);
}

uint64_t ServerControl::core_requests(int core) const {
  if (!has_core(core)) return 0;
  const auto index = static_cast<size_t>(core);
  return slot_->cores()[index].requests.load(std::memory_order_relaxed) +
         slot_->twin->cores()[index].requests.load(std::memory_order_relaxed);
}

bool ServerControl::Reload() { return master_pid_ != 0 && ::kill(master_pid_, SIGHUP) == 0; }

bool ServerControl::Stop() { return first_pid_ != 0 && ::kill(first_pid_, SIGTERM) == 0; }

bool ServerControl::SetUserHarakiri(int core, int seconds) {
  int64_t deadline = seconds <= 0 ? 0 : MonotonicMicros() + int64_t{seconds} * 1'000'000;
  if (seconds == kNoHarakiri) deadline = kNeverDue;
  if (helper_slot_ != nullptr) {
    helper_slot_->user_deadline_us.store(deadline, std::memory_order_relaxed);
    return true;
  }
  if (master_pid_ == 0 || !has_core(core)) return false;
  slot_->cores()[static_cast<size_t>(core)].user_harakiri_deadline_us.store(
      deadline, std::memory_order_relaxed);
  if (deadline == 0 || deadline == kNeverDue) return true;
  if (on_deadline_) on_deadline_();
  Report(ChildReport::kHasDeadline);
  return true;
}

void ServerControl::SetAccepting(bool accepting) {
  if (slot_ == nullptr) return;
  slot_->accepting.store(accepting, std::memory_order_relaxed);
}

void ServerControl::SetProcessTitle(const std::string& title) { SetTitle(title); }

}  // namespace uwsgi
