// SPDX-License-Identifier: Apache-2.0
#include "process/cheaper.h"

#include <fmt/format.h>

#include <algorithm>

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

using Algorithm = ScalingDecision (*)(const ScalingSpec&, const ScalingView&, ScalingMemory&);

// Counts the looks at which nobody was free. A worker that is starting will be: until then nothing
// more is wanted.
ScalingDecision Spare(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  const int free = view.free();
  if (free == 0 && view.starting() == 0) {
    ++memory.overloaded;
  } else if (memory.overloaded > 0) {
    --memory.overloaded;
  }
  if (memory.overloaded > spec.overload) {
    memory.overloaded = memory.quiet = 0;
    return {.add = spec.step};
  }
  if (memory.overloaded > 0 || free <= 1) return {};
  if (++memory.quiet < spec.overload) return {};
  memory.quiet = 0;
  return {.remove = 1};
}

// Keeps `least` workers idle.
ScalingDecision Spare2(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  const int idle = view.idle() + view.starting();
  if (idle <= spec.least) memory.surplus_since_us = 0;
  if (idle < spec.least) return {.add = std::min(spec.least - idle, std::max(spec.step, 1))};
  if (idle == spec.least) return {};
  if (memory.surplus_since_us == 0) memory.surplus_since_us = view.now_us;
  if (view.now_us - memory.surplus_since_us < spec.idle_s * kSecond) return {};
  memory.surplus_since_us = view.now_us;
  return {.remove = std::min(idle - spec.least, std::max(spec.step, 1))};
}

ScalingDecision Backlog(const ScalingSpec& spec, const ScalingView& view, ScalingMemory&) {
  if (view.backlog > spec.overload) return {.add = view.starting() == 0 ? spec.step : 0};
  if (view.backlog < spec.overload && view.idle() > 0) return {.remove = 1};
  return {};
}

// As backlog, but a worker goes only when nothing has waited for `overload` looks in a row.
ScalingDecision Backlog2(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  if (view.backlog > 0) memory.quiet = 0;
  if (view.backlog > spec.overload) return {.add = view.starting() == 0 ? spec.step : 0};
  if (view.backlog > 0 || view.idle() == 0 || ++memory.quiet < spec.overload) return {};
  memory.quiet = 0;
  return {.remove = 1};
}

// --- busyness ---

// Part of the window that the active workers spent inside requests, in percent.
int BusynessOf(const ScalingView& view, const ScalingMemory& memory) {
  const int64_t window = std::max<int64_t>(view.now_us - memory.window_began_us, 1) * view.cores;
  int64_t sum = 0;
  int counted = 0;
  for (size_t i = 0; i < view.workers.size(); ++i) {
    if (!view.workers[i].active) continue;
    const int64_t before = i < memory.running_at_window.size() ? memory.running_at_window[i] : 0;
    sum += std::clamp<int64_t>(view.workers[i].running_us - before, 0, window);
    ++counted;
  }
  return counted == 0 ? 0 : static_cast<int>(sum * 100 / (window * counted));
}

void BeginWindow(const ScalingView& view, ScalingMemory& memory) {
  memory.window_began_us = view.now_us;
  memory.running_at_window.clear();
  for (const ScalingWorker& worker : view.workers)
    memory.running_at_window.push_back(worker.running_us);
}

bool IsEmergency(const BusynessSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  if (view.backlog == 0) memory.backlog_since_us = 0;
  if (view.backlog > 0 && memory.backlog_since_us == 0) memory.backlog_since_us = view.now_us;
  const bool for_long = memory.backlog_since_us != 0 &&
                        view.now_us - memory.backlog_since_us >= spec.backlog_nonzero_s * kSecond;
  if (!for_long && view.backlog <= spec.backlog_alert) return false;
  if (for_long) memory.backlog_since_us = view.now_us;  // one worker per period
  return view.starting() == 0;
}

ScalingDecision OnBusy(const ScalingSpec& spec, ScalingMemory& memory) {
  memory.quiet = 0;
  const bool stopped_too_soon =
      memory.windows_since_stop >= 0 && memory.windows_since_stop <= memory.multiplier;
  if (stopped_too_soon) memory.multiplier += spec.busyness.penalty;
  memory.windows_since_stop = -1;
  return {.add = spec.step};
}

ScalingDecision OnQuiet(const ScalingSpec& spec, ScalingMemory& memory) {
  const bool after_emergency = memory.emergency_workers > 0;
  const int wanted = after_emergency ? std::min(spec.busyness.backlog_multiplier, memory.multiplier)
                                     : memory.multiplier;
  if (++memory.quiet < wanted) return {};
  memory.quiet = 0;
  // A stop that was not regretted: the penalties fade.
  if (memory.windows_since_stop > memory.multiplier || memory.windows_since_stop < 0) {
    memory.multiplier =
        std::max(memory.multiplier - spec.busyness.penalty, spec.busyness.multiplier);
  }
  if (after_emergency) --memory.emergency_workers;
  memory.windows_since_stop = 0;
  return {.remove = 1};
}

ScalingDecision Busyness(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  const BusynessSpec& busyness = spec.busyness;
  if (memory.multiplier == 0) memory.multiplier = busyness.multiplier;
  if (memory.window_began_us == 0) BeginWindow(view, memory);
  if (IsEmergency(busyness, view, memory)) {
    memory.emergency_workers += busyness.backlog_step;
    memory.quiet = 0;
    return {.add = busyness.backlog_step,
            .note = fmt::format("[busyness] {} requests in the listen queue: emergency worker(s) "
                                "wanted",
                                view.backlog)};
  }
  if (view.now_us - memory.window_began_us < spec.overload * kSecond) return {};
  const int percent = BusynessOf(view, memory);
  BeginWindow(view, memory);
  if (memory.windows_since_stop >= 0) ++memory.windows_since_stop;
  ScalingDecision decision;
  if (percent > busyness.max_percent) {
    decision = OnBusy(spec, memory);
  } else if (percent < busyness.min_percent) {
    decision = OnQuiet(spec, memory);
  } else {
    memory.quiet = 0;
  }
  decision.note =
      fmt::format("[busyness] {}% average busyness of {} worker(s), quiet windows {}/{}", percent,
                  view.active(), memory.quiet, memory.multiplier);
  return decision;
}

// Workers come and go by command only.
ScalingDecision Manual(const ScalingSpec&, const ScalingView&, ScalingMemory&) { return {}; }

struct AlgorithmRow {
  ScalingAlgorithm algorithm;
  std::string_view name;
  Algorithm decide;
};
constexpr AlgorithmRow kAlgorithms[] = {
    {ScalingAlgorithm::kSpare, "spare", Spare},
    {ScalingAlgorithm::kSpare2, "spare2", Spare2},
    {ScalingAlgorithm::kBacklog, "backlog", Backlog},
    {ScalingAlgorithm::kBacklog2, "backlog2", Backlog2},
    {ScalingAlgorithm::kBusyness, "busyness", Busyness},
    {ScalingAlgorithm::kManual, "manual", Manual},
};

// Memory goes before speed: above the soft limit nothing is added, above the hard one a worker goes
// at every look.
void RespectMemory(const ScalingSpec& spec, const ScalingView& view, ScalingDecision& decision) {
  if (spec.rss_soft_limit > 0 && view.rss_bytes >= spec.rss_soft_limit) decision.add = 0;
  if (spec.rss_hard_limit > 0 && view.rss_bytes >= spec.rss_hard_limit) {
    decision.add = 0;
    decision.remove = std::max(decision.remove, 1);
  }
}

}  // namespace

int ScalingView::active() const {
  return static_cast<int>(std::ranges::count_if(workers, [](const auto& w) { return w.active; }));
}

int ScalingView::starting() const {
  return static_cast<int>(
      std::ranges::count_if(workers, [](const auto& w) { return w.active && w.starting; }));
}

int ScalingView::free() const {
  return static_cast<int>(std::ranges::count_if(workers, [this](const ScalingWorker& worker) {
    return worker.active && !worker.starting && worker.busy_cores < cores;
  }));
}

int ScalingView::idle() const {
  return static_cast<int>(std::ranges::count_if(workers, [](const ScalingWorker& worker) {
    return worker.active && !worker.starting && worker.busy_cores == 0;
  }));
}

ScalingDecision Decide(const ScalingSpec& spec, const ScalingView& view, ScalingMemory& memory) {
  const int active = view.active();
  ScalingDecision decision =
      kAlgorithms[static_cast<size_t>(spec.algorithm)].decide(spec, view, memory);
  if (spec.algorithm == ScalingAlgorithm::kManual) return decision;
  RespectMemory(spec, view, decision);
  if (active < spec.least) decision = {.add = spec.least - active, .note = decision.note};
  decision.add = std::clamp(decision.add, 0, std::max(spec.most - active, 0));
  decision.remove = std::clamp(decision.remove, 0, std::max(active - spec.least, 0));
  return decision;
}

std::optional<int> ChooseWorkerToStop(const ScalingView& view) {
  const ScalingWorker* chosen = nullptr;
  for (const ScalingWorker& worker : view.workers) {
    if (!worker.active || worker.starting || worker.busy_cores > 0) continue;
    if (chosen == nullptr || worker.spawned_us < chosen->spawned_us) chosen = &worker;
  }
  return chosen == nullptr ? std::nullopt : std::optional<int>(chosen->id);
}

std::string_view NameOf(ScalingAlgorithm algorithm) {
  return kAlgorithms[static_cast<size_t>(algorithm)].name;
}

std::optional<ScalingAlgorithm> FindScalingAlgorithm(std::string_view name) {
  for (const AlgorithmRow& row : kAlgorithms) {
    if (row.name == name) return row.algorithm;
  }
  return std::nullopt;
}

std::vector<std::string_view> ScalingAlgorithmNames() {
  std::vector<std::string_view> names;
  for (const AlgorithmRow& row : kAlgorithms) names.push_back(row.name);
  return names;
}

}  // namespace uwsgi
