// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "net/mailbox.h"
#include "net/poller.h"
#include "net/signal_source.h"
#include "net/timer_wheel.h"
#include "request/front.h"
#include "worker/core.h"
#include "worker/harakiri_watch.h"
#include "worker/lead.h"
#include "worker/letter.h"
#include "worker/seats.h"
#include "worker/thread_view.h"
#include "worker/worker.h"

namespace uwsgi {

// A thread that may drive the loop: a core's, or the watcher's (no core: it never runs an
// application).
struct Driver {
  Core* core = nullptr;
  bool leads = false;
};

// The loop of a worker: accepts, reads, parses, runs what is complete in place, flushes, expires.
// It is driven by one thread at a time, the one with the lead; when the application turns out to be
// slow the lead moves and the loop goes on where it was: the events of the current batch belong to
// the loop, not to the thread.
class Leader {
 public:
  static Result<std::unique_ptr<Leader>> Create(const WorkerSpec& spec, WorkerContext& context,
                                                CoreShared& shared);
  ~Leader();

  // Drives until the driver has lost or passed on the lead, or the worker ends.
  void Drive(Driver& driver);
  // On a core's thread: it is about to wait, here or at its seat.
  void BeforeWait(Core& core);
  // Does what has waited for a core, with or without the lead.
  void Do(const Work& work, Driver& driver);
  // Carries on with a connection that the calling thread owns, with or without the lead.
  void Proceed(Connection& connection, Step step, Driver& driver);

  [[nodiscard]] Lead& lead() { return lead_; }
  [[nodiscard]] Seats& seats() { return seats_; }
  // Lines of quick requests shall not wait in the log of a core that is inside a slow one.
  void FlushLogs() { flush_logs_(); }
  void set_flush_logs(UniqueFunction<void()> flush_logs) { flush_logs_ = std::move(flush_logs); }
  // Outlives the driving.
  void set_harakiri(HarakiriWatch* harakiri) { harakiri_ = harakiri; }
  [[nodiscard]] int exit_status() const { return exit_status_; }
  // By the watcher, which has just taken the lead from a core that is inside the application.
  void NoteLeadTaken();
  // The thread that led last.
  [[nodiscard]] ThreadView driver() const { return driver_.load(std::memory_order_relaxed); }
  // Whether a core came back long after it had lost the lead, since the last call.
  bool has_seen_slow_request() { return seen_slow_.exchange(false, std::memory_order_relaxed); }
  // The watcher sleeps and wants to be woken when an application is entered.
  std::atomic<bool> watcher_asleep{false};

 private:
  struct Door {
    Front front;
    bool open = false;    // registered with the poller
    bool at_end = false;  // the listener takes no more clients (RefuseClients)
  };
  // Where connections come from workers of the program before this one.
  struct Inlet {
    Mailbox* box = nullptr;
    bool open = false;    // registered with the poller
    bool at_end = false;  // nothing will come any more
  };
  enum class Drain : uint8_t { kNo, kRecycle, kStop, kMasterGone };

  Leader(const WorkerSpec& spec, WorkerContext& context, CoreShared& shared, Poller poller,
         SignalSource signals, UniqueFd wake);
  Status Prepare();
  void OpenDoor(Door& door);
  void OpenDoors();
  void CloseDoors();
  void QueueUpAgain(Door& door);
  [[nodiscard]] bool MayAccept(const Driver& driver) const;

  void TurnOver(Driver& driver);
  void Dispatch(const Poller::Event& event, Driver& driver);
  void Accept(Door& door, Driver& driver);
  void ShutDoors(std::string_view what, int error);
  void TryAgain();
  template <typename F>
  void RunInApp(Driver& driver, F&& run);
  Step RunRequest(Connection& connection, Driver& driver);
  [[nodiscard]] bool MayRest(const Connection& connection, const Driver& driver) const;
  void NoteResting(int socket, const Driver& driver);
  void PushResting();
  Connection& Enlist(std::unique_ptr<Connection> connection);
  // Connections from and to other workers.
  [[nodiscard]] int twin_place() const;
  [[nodiscard]] bool TakesForTwin() const;
  void TakeIn(MovedConnection moved, Driver& driver);
  void TakeArrivals(int place, Driver& driver);
  Status OpenArrivals();
  void CloseArrivals();
  void GiveWaitingAway();
  void TellOfWaiting();
  bool HasDescriptorFor(int inlet);
  bool CloseOldestIdle();
  void OpenInlets();
  void CloseInlets();
  void TakeLetters(Inlet& inlet, Driver& driver);
  [[nodiscard]] bool MayStillArrive();
  void Bury(Connection& connection);
  void NoteUnanswered(const Connection& connection) const;
  void RemoveBuried();
  void ExpireTimers();
  void Expire(Connection& connection);
  void TakeSignals();
  void DescribeCounters() const;
  void LookAtPause();
  void WantReplacement(RecycleCause cause);
  void BeginDrain(Drain why);
  void CheckDrain();
  void EndNow(int status);
  void Poke() const;

  const WorkerSpec& spec_;
  WorkerContext& context_;
  CoreShared& shared_;
  WorkerSlot& slot_;
  const int place_;  // in Migration
  Poller poller_;
  SignalSource signals_;
  UniqueFd wake_;  // an eventfd: the driver shall look up from its wait
  Lead lead_;
  Seats seats_;
  ExchangePool pool_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<Inlet> inlets_;  // filled once

  // The driver's:
  std::array<Poller::Event, 256> batch_{};
  int batch_size_ = 0;
  int batch_next_ = 0;
  int64_t now_ms_ = 0;
  TimerWheel wheel_;
  Connection* connections_ = nullptr;
  int64_t connection_count_ = 0;
  int64_t doors_shut_until_ms_ = 0;  // out of descriptors: no accepting before
  bool doors_open_ = false;
  bool takes_for_twin_ = false;
  bool arrivals_open_ = false;  // what other workers give is registered with the poller
  bool paused_ = false;
  int64_t started_ms_ = 0;
  int64_t drain_started_ms_ = 0;
  int64_t drain_deadline_ms_ = 0;
  int64_t told_of_waiting_ms_ = 0;
  int64_t told_of_crowd_ms_ = 0;
  Drain drain_ = Drain::kNo;
  int signals_to_end_ = 0;
  int exit_status_ = 0;

  // The gate of the core that led last; sockets on which the end of an answer rests.
  std::atomic<PushGate*> push_gate_{nullptr};
  static constexpr int kMostResting = 8;
  std::array<int, kMostResting> resting_{};
  int resting_count_ = 0;
  int64_t resting_since_us_ = 0;

  std::atomic<ThreadView> driver_;
  std::atomic<bool> has_main_event_{false};
  bool has_asked_for_replacement_ = false;
  std::atomic<int64_t> lead_taken_us_{0};
  std::atomic<bool> seen_slow_{false};
  HarakiriWatch* harakiri_ = nullptr;
  UniqueFunction<void()> flush_logs_;
  std::atomic<bool> draining_{false};
  std::mutex graveyard_mutex_;
  std::vector<Connection*> graveyard_;
  std::atomic<bool> has_buried_{false};
};

}  // namespace uwsgi
