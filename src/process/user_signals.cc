// SPDX-License-Identifier: Apache-2.0
#include "process/user_signals.h"

#include "base/clock.h"
#include "base/log.h"
#include "service/signal_router.h"
#include "shm/helper_slot.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

void LogFailed(uint8_t signal, std::string_view what, int id) {
  LogDated("error managing signal {} on {} {}", signal, what, id);
}

// The scoreboard shows the handler as if it were a request, so that harakiri applies to it.
void RunWorkerSignal(const ServingParts& parts, int id, int berth, int core, uint8_t signal) {
  WorkerSlot& worker = parts.scoreboard->berth(id, berth);
  CoreSlot& slot = worker.cores()[static_cast<size_t>(core)];
  slot.signal.store(signal, std::memory_order_relaxed);
  const int64_t started_us = MonotonicMicros();
  slot.BeginRequest(started_us, WallMicros() / kSecond, "SIGNAL", fmt::to_string(signal), "");
  const bool handled = parts.runtime->HandleSignal(core, signal, started_us);
  slot.EndRequest();
  slot.signal.store(-1, std::memory_order_relaxed);
  worker.totals->signals.fetch_add(1, std::memory_order_relaxed);
  if (!handled) LogFailed(signal, "worker", id);
}

}  // namespace

std::vector<Errand> SignalErrands(const ServingParts& parts, int id, int berth) {
  std::vector<Errand> errands;
  if (parts.services == nullptr || parts.services->signals == nullptr) return errands;
  for (const int queue : parts.services->signals->OwnQueues()) {
    errands.push_back({.fd = queue, .run = [&parts, id, berth, queue](int core) {
                         // Another worker may have been quicker.
                         if (const auto signal = SignalRouter::Take(queue))
                           RunWorkerSignal(parts, id, berth, core, *signal);
                       }});
  }
  return errands;
}

void RunHelperSignal(const ServingParts& parts, HelperSlot& slot, std::string_view what, int id,
                     uint8_t signal) {
  const bool handled = parts.runtime->HandleSignal(LanguageRuntime::kNoCore, signal, 0);
  slot.signals.fetch_add(1, std::memory_order_relaxed);
  if (!handled) LogFailed(signal, what, id);
}

}  // namespace uwsgi
