// SPDX-License-Identifier: Apache-2.0
#include "process/readiness.h"

namespace uwsgi {
namespace {

struct Load {
  int serving = 0;    // workers in their loop
  int processes = 0;  // workers at all
  bool has_free_core = false;
};

Load Measure(const ReadinessFacts& facts) {
  Load load;
  for (int id = 1; id <= facts.scoreboard->workers(); ++id) {
    const WorkerSlot& slot = facts.scoreboard->worker(id);
    if (slot.pid.load(std::memory_order_relaxed) != 0) ++load.processes;
    if (slot.state.load(std::memory_order_relaxed) != WorkerState::kAccepting) continue;
    ++load.serving;
    for (const CoreSlot& core : slot.cores()) {
      const int64_t started = core.request_started_us.load(std::memory_order_relaxed);
      if (started == 0 || facts.now_us - started <= facts.busy_threshold_us)
        load.has_free_core = true;
    }
  }
  return load;
}

}  // namespace

std::string_view WhyNotReady(const ReadinessFacts& facts) {
  if (facts.is_stopping) return "the server is stopping";
  if (facts.scoreboard->leaving().load(std::memory_order_relaxed))
    return "the server is about to stop";
  if (facts.scoreboard->paused().load(std::memory_order_relaxed)) return "the server is paused";
  if (facts.has_predecessors) return {};
  const Load load = Measure(facts);
  // Workers that come with the first request are as good as others.
  if (load.processes == 0 && facts.is_started) return {};
  if (load.serving == 0) return "no worker has its application yet";
  if (facts.busy_threshold_us > 0 && !load.has_free_core)
    return "every core has been busy with one request for too long";
  return {};
}

}  // namespace uwsgi
