// SPDX-License-Identifier: Apache-2.0
#include "process/stats_view.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "base/strings.h"
#include "process/readiness.h"
#include "process/worker_main.h"
#include "runtime/services.h"
#include "service/spoolers.h"
#include "service/user_lock.h"

namespace uwsgi {
namespace {

// compat: locks of the predecessor that nobody here has to hold.
constexpr std::string_view kFreeLocks[] = {"signal", "filemon", "timer", "rbtimer",
                                           "cron",   "rpc",     "snmp"};

std::vector<LockFigures> LookAtLocks(const Services& services) {
  std::vector<LockFigures> locks;
  if (services.locks != nullptr) {
    for (int number = 0; services.locks->Has(number); ++number)
      locks.push_back({fmt::format("user {}", number), services.locks->Holder(number)});
  }
  for (const std::string_view name : kFreeLocks) locks.push_back({std::string(name), 0});
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

std::string CurrentDirectory() {
  std::error_code error;
  const auto path = std::filesystem::current_path(error);
  return error ? std::string() : path.string();
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
  view.spoolers = LookAtSpoolers(serving.services->spoolers);
  return view;
}

void MeasureMemory(const Scoreboard& scoreboard) {
  static const int64_t page = ::sysconf(_SC_PAGESIZE);
  for (int id = 1; id <= scoreboard.workers(); ++id) {
    WorkerSlot& slot = scoreboard.worker(id);
    const pid_t pid = slot.pid.load(std::memory_order_relaxed);
    if (pid == 0) continue;
    const auto text = ReadFile(fmt::format("/proc/{}/statm", pid));
    if (!text) continue;
    const auto words = SplitWords(*text);
    if (words.size() < 2) continue;
    const auto bytes = [](std::string_view pages) {
      return static_cast<uint64_t>(ParseInt(pages).value_or(0) * page);
    };
    slot.vsz.store(bytes(words[0]), std::memory_order_relaxed);
    slot.rss.store(bytes(words[1]), std::memory_order_relaxed);
  }
}

}  // namespace uwsgi
