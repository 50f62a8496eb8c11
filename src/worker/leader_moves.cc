// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "base/wait.h"
#include "worker/leader.h"
#include "worker/migration.h"
#include "worker/succession.h"

// Connections from and to other workers: of this program (Migration), of the one before it and of
// the one after it (Succession).

namespace uwsgi {
namespace {

constexpr int kArrivalsAtOnce = 16;
constexpr int64_t kArrivalGraceMs = 500;  // for what another worker is just sending
constexpr int64_t kTellOfWaitingMs = 1000;
constexpr int64_t kTellOfCrowdMs = 10'000;

}  // namespace

int Leader::twin_place() const {
  return static_cast<int>(slot_.twin - context_.scoreboard->all_berths().data());
}

// The process before us was killed, and what had been given to it waits in its place.
bool Leader::TakesForTwin() const {
  const WorkerState state = slot_.twin->state.load(std::memory_order_relaxed);
  const bool is_gone = state == WorkerState::kGone || state == WorkerState::kEmpty;
  return context_.migration != nullptr && is_gone && context_.migration->has_pending(twin_place());
}

void Leader::TakeIn(MovedConnection moved, Driver& driver) {
  if (moved.front < 0 || static_cast<size_t>(moved.front) >= doors_.size()) return;
  const Door& door = *doors_[static_cast<size_t>(moved.front)];
  Connection& connection = Enlist(std::make_unique<Connection>(std::move(moved.socket), door.front,
                                                               moved.peer, moved.trusted, pool_));
  Proceed(connection, connection.Adopt(moved.bytes, moved.moves, now_ms_), driver);
}

Status Leader::OpenArrivals() {
  Migration* const migration = context_.migration;
  if (migration != nullptr)
    TRY_STATUS(poller_.Add(migration->inlet_fd(place_), kReadable, migration));
  arrivals_open_ = true;
  if (!takes_for_twin_) return {};
  Status opened = poller_.Add(migration->inlet_fd(twin_place()), kReadable, slot_.twin);
  if (!opened) CloseArrivals();
  return opened;
}

void Leader::CloseArrivals() {
  if (arrivals_open_ && context_.migration != nullptr) {
    poller_.Remove(context_.migration->inlet_fd(place_));
    if (takes_for_twin_) poller_.Remove(context_.migration->inlet_fd(twin_place()));
  }
  arrivals_open_ = false;
}

// The kernel drops the socket of a letter for which there is no descriptor: then it has to wait.
bool Leader::HasDescriptorFor(int inlet) {
  for (;;) {
    const UniqueFd probe(::fcntl(wake_.get(), F_DUPFD_CLOEXEC, 0));
    if (probe.valid()) return true;
    const int error = errno;
    if (!AwaitReady(inlet, POLLIN, 0)) return false;  // no letter either
    if (error == EMFILE && CloseOldestIdle()) continue;
    ShutDoors("take a connection", error);
    slot_.lacks_descriptors.store(true, std::memory_order_relaxed);
    CloseArrivals();
    return false;
  }
}

// A connection that brings a request is worth more than one that may bring none: of those the one
// that was opened first is closed. False when there is none.
bool Leader::CloseOldestIdle() {
  Driver no_core{nullptr, /*leads=*/true};
  Connection* oldest = connections_;
  while (oldest != nullptr && oldest->next != nullptr) oldest = oldest->next;
  for (Connection* each = oldest; each != nullptr; each = each->previous) {
    if (!each->TryOwn()) continue;
    Step step = Step::kWait;
    if (each->phase() == Phase::kIdle) {
      step = each->OnEvent(Hint::kReady, now_ms_);  // it may have been asked something just now
      if (step == Step::kWait && each->phase() == Phase::kIdle) step = Step::kClose;
    }
    Proceed(*each, step, no_core);
    if (step != Step::kClose) continue;
    if (now_ms_ - told_of_crowd_ms_ >= kTellOfCrowdMs) {
      told_of_crowd_ms_ = now_ms_;
      LogDated("*** out of descriptors: idle connections are closed for others (raise max-fd) ***");
    }
    return true;
  }
  return false;
}

void Leader::TakeArrivals(int place, Driver& driver) {
  const int inlet = context_.migration->inlet_fd(place);
  for (int taken = 0; taken < kArrivalsAtOnce && driver.leads && HasDescriptorFor(inlet); ++taken) {
    auto moved = context_.migration->Take(place);
    if (!moved) return;
    TakeIn(std::move(*moved), driver);
  }
}

// All cores are inside the application, and requests wait: other workers may have a free core, or
// the next program is here already.
void Leader::GiveWaitingAway() {
  for (size_t left = seats_.work_count(); left > 0; --left) {
    const auto place = context_.migration->FindIdle(place_);
    const bool has_heirs = !place && drain_ != Drain::kNo && context_.succession != nullptr &&
                           context_.succession->has_heirs();
    if (!place && !has_heirs) return TellOfWaiting();
    const Work waiting = seats_.PopWork();
    if (!waiting) return;
    Connection* const connection = waiting.connection;
    const bool given =
        connection != nullptr && (place ? context_.migration->Give(*connection, *place)
                                        : context_.succession->Give(*connection));
    given ? Bury(*connection) : seats_.PushWork(waiting);
  }
}

// A master in cheap mode starts workers for them. It may go there later, too.
void Leader::TellOfWaiting() {
  if (drain_ == Drain::kNo || !context_.on_waiting) return;
  if (now_ms_ - told_of_waiting_ms_ < kTellOfWaitingMs) return;
  told_of_waiting_ms_ = now_ms_;
  context_.on_waiting();
}

// --- of the program before this one ---

void Leader::OpenInlets() {
  const uint32_t exclusive = spec_.processes > 1 ? kExclusive : 0;
  for (Inlet& inlet : inlets_) {
    if (!inlet.open && !inlet.at_end && poller_.Add(inlet.box->fd(), kReadable | exclusive, &inlet))
      inlet.open = true;
  }
}

void Leader::CloseInlets() {
  for (Inlet& inlet : inlets_) {
    if (inlet.open) poller_.Remove(inlet.box->fd());
    inlet.open = false;
  }
}

// One at a time where there are others who may be free as well.
void Leader::TakeLetters(Inlet& inlet, Driver& driver) {
  const int most = spec_.processes > 1 ? 1 : kArrivalsAtOnce;
  for (int taken = 0;
       taken < most && driver.leads && inlet.open && HasDescriptorFor(inlet.box->fd()); ++taken) {
    auto letter = Succession::Take(*inlet.box);
    if (!letter) {
      poller_.Remove(inlet.box->fd());
      inlet.open = false;
      inlet.at_end = true;
      return;
    }
    if (!*letter) return;
    TakeIn(std::move(**letter), driver);
  }
}

// While this worker drains. A master that stops or reloads has refused what might come later.
bool Leader::MayStillArrive() {
  if (now_ms_ - drain_started_ms_ >= kArrivalGraceMs) {
    CloseInlets();
    return false;
  }
  if (context_.migration != nullptr && context_.migration->has_pending(place_)) return true;
  return std::ranges::any_of(inlets_, [](const Inlet& inlet) { return inlet.open; });
}

}  // namespace uwsgi
