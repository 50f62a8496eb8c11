// SPDX-License-Identifier: Apache-2.0
#include "process/stats_view.h"

#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "process/memory.h"
#include "process/worker_main.h"
#include "runtime/services.h"
#include "service/caches.h"
#include "service/cron_board.h"
#include "service/spoolers.h"
#include "service/user_lock.h"

namespace uwsgi {
namespace {

// compat: locks of the predecessor that nobody here has to hold.
constexpr std::string_view kFreeLocks[] = {"signal", "filemon", "timer", "rbtimer",
                                           "cron",   "rpc",     "snmp"};

template <typename T>
int64_t Load(const std::atomic<T>& number) {
  return static_cast<int64_t>(number.load(std::memory_order_relaxed));
}

std::vector<LockFigures> LookAtLocks(const Services& services) {
  std::vector<LockFigures> locks;
  if (services.locks != nullptr) {
    for (int number = 0; services.locks->Has(number); ++number)
      locks.push_back({fmt::format("user {}", number), services.locks->Holder(number)});
  }
  for (const std::string_view name : kFreeLocks) locks.push_back({std::string(name), 0});
  if (services.queue != nullptr) locks.push_back({"queue", 0});
  if (services.caches != nullptr) {
    for (const auto& cache : services.caches->all()) locks.push_back({"cache_" + cache->name(), 0});
  }
  if (services.metrics != nullptr) locks.push_back({"metrics", 0});
  if (services.spoolers != nullptr) {
    for (const SpoolDirSpec& directory : services.spoolers->spec().directories)
      locks.push_back({"spooler on " + directory.path, 0});
  }
  return locks;
}

std::vector<SocketFigures> LookAtSockets(const std::vector<const Listener*>& listeners) {
  std::vector<SocketFigures> sockets;
  for (const Listener* listener : listeners) {
    const ListenQueue queue = listener->queue();
    sockets.push_back({.name = listener->name(),
                       .protocol = NameOf(listener->spec().protocol),
                       .queue = queue.waiting,
                       .max_queue = queue.limit,
                       .is_shared = listener->spec().shared_index >= 0});
  }
  return sockets;
}

std::vector<CacheFigures> LookAtCaches(const Services& services) {
  std::vector<CacheFigures> caches;
  if (services.caches == nullptr) return caches;
  for (const auto& cache : services.caches->all()) {
    const CacheStats stats = cache->stats();
    const auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
    caches.push_back({.name = stats.name,
                      .hash = stats.hash,
                      .hash_size = number(stats.hashsize),
                      .key_size = number(stats.keysize),
                      .max_items = number(stats.max_items),
                      .blocks = number(stats.blocks),
                      .block_size = number(stats.blocksize),
                      .items = number(stats.items),
                      .hits = number(stats.hits),
                      .misses = number(stats.misses),
                      .full = number(stats.full),
                      .last_modified_at = stats.last_modified_at});
  }
  return caches;
}

std::vector<SpoolerFigures> LookAtSpoolers(const Spoolers* spoolers) {
  std::vector<SpoolerFigures> figures;
  const int64_t now_s = WallMicros() / 1'000'000;
  for (size_t i = 0; spoolers != nullptr && i < spoolers->slots().size(); ++i) {
    const SpoolerSlot& slot = spoolers->slots()[i];
    const size_t directory = spoolers->DirectoryOf(i);
    const SpoolDirSlot& queue = spoolers->directory_slot(directory);
    const auto spawns = static_cast<int64_t>(slot.helper.spawns.load());
    const int64_t oldest_s = queue.oldest_s.load();
    figures.push_back({.directory = spoolers->spec().directories[directory].path,
                       .pid = slot.helper.pid.load(),
                       .tasks = static_cast<int64_t>(slot.helper.tasks.load()),
                       .respawns = std::max<int64_t>(spawns - 1, 0),
                       .is_running = slot.helper.busy_since_us.load() != 0,
                       .failures = static_cast<int64_t>(slot.failures.load()),
                       .waiting = std::max<int64_t>(queue.waiting.load(), 0),
                       .scheduled = queue.later.load(),
                       .oldest_age = oldest_s > 0 ? std::max<int64_t>(now_s - oldest_s, 0) : 0,
                       .set_aside = queue.failed.load()});
  }
  return figures;
}

std::vector<CronFigures> LookAtCrons(const Services& services) {
  std::vector<CronFigures> crons;
  if (services.crons == nullptr) return crons;
  const std::vector<CronJob>& jobs = services.crons->jobs();
  for (size_t i = 0; i < jobs.size(); ++i) {
    const CronSlot& slot = services.crons->slot(i);
    const pid_t pid = slot.pid.load(std::memory_order_relaxed);
    const CronFields& fields = jobs[i].fields;
    crons.push_back({.minute = fields.minute,
                     .hour = fields.hour,
                     .day = fields.day,
                     .month = fields.month,
                     .week = fields.weekday,
                     .command = jobs[i].command,
                     .is_unique = jobs[i].unique,
                     .pid = pid > 0 ? pid : -1,
                     .started_at = Load(slot.started_s)});
  }
  return crons;
}

bool IsReady(MasterDesk& desk, const StatsSpec& spec) {
  return WhyNotReady(FactsOfReadiness(desk, spec)).empty();
}

}  // namespace

ReadinessFacts FactsOfReadiness(MasterDesk& desk, const StatsSpec& spec) {
  return {
      .scoreboard = desk.serving().scoreboard,
      .now_us = MonotonicMicros(),
      .busy_threshold_us = spec.busy_threshold_us,
      .is_started = desk.is_started(),
      .is_stopping = desk.is_stopping(),
      .has_predecessors = desk.children().Count(ChildKind::kPredecessor, ChildState::kServing) > 0};
}

StatsView LookAround(MasterDesk& desk, const StatsSpec& spec) {
  const ServingParts& serving = desk.serving();
  StatsView view;
  view.scoreboard = serving.scoreboard;
  view.metrics = serving.services->metrics;
  view.with_cores = spec.with_cores;
  view.with_metrics = spec.with_metrics;
  view.pid = ::getpid();
  view.uid = ::getuid();
  view.gid = ::getgid();
  view.cwd = CurrentDirectory();
  view.started_on = serving.started_on;
  view.is_ready = IsReady(desk, spec);
  view.sockets = LookAtSockets(serving.listeners);
  view.locks = LookAtLocks(*serving.services);
  for (const DaemonInfo& daemon : desk.daemons()) {
    view.daemons.push_back({.command = daemon.command,
                            .pid = daemon.pid,
                            .respawns = static_cast<int64_t>(daemon.respawns)});
  }
  view.caches = LookAtCaches(*serving.services);
  view.spoolers = LookAtSpoolers(serving.services->spoolers);
  view.crons = LookAtCrons(*serving.services);
  return view;
}

void MeasureMemory(const Scoreboard& scoreboard) {
  for (int id = 1; id <= scoreboard.workers(); ++id) {
    WorkerSlot& slot = scoreboard.worker(id);
    const pid_t pid = slot.pid.load(std::memory_order_relaxed);
    const auto memory = pid == 0 ? MemoryUse() : MemoryOf(pid);
    if (!memory) continue;
    slot.rss.store(memory->resident, std::memory_order_relaxed);
    slot.vsz.store(memory->address_space, std::memory_order_relaxed);
  }
}

}  // namespace uwsgi
