// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/event_loop.h"
#include "net/listener_set.h"
#include "net/signal_source.h"
#include "process/child_table.h"
#include "process/duty.h"
#include "process/hand_over.h"
#include "process/helper.h"
#include "process/lifeline.h"
#include "process/master_signals.h"
#include "process/reload.h"
#include "process/worker_main.h"

namespace uwsgi {

// What the master works with. All of it outlives the master.
struct MasterParts {
  ServingParts serving;
  const ListenerSet* listeners = nullptr;
  const StartCommand* command = nullptr;
  HandOver* predecessor = nullptr;  // null at a first start
  int64_t started_on = 0;           // of the first start, seconds since 1970
  std::string configuration;        // for the dump of counters
  std::vector<HelperPlace> helpers;
  std::vector<std::unique_ptr<Duty>> duties;
  UniqueFunction<void()> write_pidfiles;
  bool vacuum = false;
  // What the start has made and `vacuum` would remove; the duties have theirs.
  UniqueFunction<std::vector<std::string>()> made_files;
  UniqueFunction<void()> on_started;  // once, when every worker of the start serves
};

// The supervising process: forks the workers, watches and replaces them, reloads and stops the
// server. It has one thread, never serves a request and never waits for anything but its loop.
//
// Reload, stop, recycling, scaling down and harakiri are users of one mechanism: the replacement,
// if there shall be one, is ready first; then a child is told to end (it leaves the accept set and
// finishes its requests), gets a deadline, and is killed when that has passed. child_rules.h has
// the table of what follows from what.
class Master final : private MasterDesk {
 public:
  // `signals` has been collecting since before the applications were loaded.
  static Result<std::unique_ptr<Master>> Create(MasterParts parts, SignalSource signals);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  // The duties go before the loop that they live on.
  ~Master() override { parts_.duties.clear(); }

  // Forks the workers and supervises them until the server is stopped; the exit status. A graceful
  // reload does not return.
  int Run();

 private:
  Master(MasterParts parts, SignalSource signals, std::unique_ptr<EventLoop> loop,
         Lifeline lifeline);

  // How much of the time that a child may have to end it gets.
  enum class Patience : uint8_t { kFull, kShort };

  struct ReplacementOrder {
    int id = 0;
    ReplaceReason reason = ReplaceReason::kNone;
  };

  // How a process ended; nothing for events that are not an end.
  struct Ended {
    pid_t pid = 0;
    int wait_status = 0;
  };

  // The desk of the duties.
  [[nodiscard]] EventLoop& loop() override { return *loop_; }
  [[nodiscard]] const ServingParts& serving() const override { return parts_.serving; }
  [[nodiscard]] ChildTable& children() override { return children_; }
  [[nodiscard]] HandOver* predecessor() const override { return parts_.predecessor; }
  [[nodiscard]] bool is_started() const override { return started_; }
  [[nodiscard]] bool is_stopping() const override { return stopping_; }
  void Command(MasterCommand command, std::string_view why) override;
  Result<pid_t> RunProgram(const ProgramSpec& spec, UniqueFunction<void(int)> on_end) override;
  void AdoptProgram(pid_t pid, UniqueFunction<void(int)> on_end) override {
    programs_.push_back({pid, std::move(on_end)});
  }
  Result<pid_t> RunFork(UniqueFunction<int()> main, UniqueFunction<void(int)> on_end) override;
  [[nodiscard]] std::vector<DaemonInfo>& daemons() override { return daemons_; }
  void FillPlaces(ChildKind kind) override;
  void CheckStopped() override { StopWhenEmpty(); }
  Status BeginDuties();

  // Children.
  void AddChildren();
  void StartAll(ChildKind kind);
  void AdoptPredecessors();
  void Happen(Child& child, ChildEvent event);
  void Perform(Child& child, ChildAction action, const Ended& ended);
  void Start(Child& child);
  void LeaveInChild();
  int RunWorker(const Child& child, UniqueFd reports);
  int RunHelper(const Child& child, UniqueFd reports);
  void NoteStart(const Child& child);
  void NoteStarted(const Child& child, bool is_first);
  void WatchReports(Child& child);
  void ReadReports(Child& child);
  void StartLater(Child& child, int64_t pause_s);
  void TellToEnd(Child& child, int signal, int64_t mercy_us);
  void WatchDeadline(const Child& child);
  void OnDeadline(pid_t pid);
  void OnReport(Child& child, ChildReport report);
  void OnPauseOver(ChildKind kind, int id, int berth);
  void Hurry(Child& child, int64_t left_us);
  void AnnounceReady(Child& child);
  void CheckStarted();
  void StartIsOver();
  void EndPredecessors();
  [[nodiscard]] std::vector<std::string> MadeFiles();
  void LeaveFiles(HandOver& state);
  void RemoveFormerFiles();

  // The end of processes.
  void Reap();
  void ReapPrograms();
  void ReapOrphans();
  void OnEnd(Child& child, int wait_status);
  void LogEnd(const Child& child, ChildAction action, const Ended& ended) const;
  void LogFarewell(const Child& child, const Ended& ended) const;
  void RetryLater(Child& child);
  void RetryLoading(Child& child, const Ended& ended);
  void Bury(Child& child);
  void ForgetFormer();
  [[nodiscard]] bool DiedYoung(const Child& child) const;

  // Replacing workers, each by one that serves first.
  void WantReplacement(Child& child, ReplaceReason reason);
  void Order(int id, ReplaceReason reason);
  [[nodiscard]] bool HasOrder(int id) const;
  [[nodiscard]] bool MayBegin(const ReplacementOrder& order);
  void StartReplacements();
  void BeginReplacement(Child& child, ReplaceReason reason);
  void StartSuccessor(Child& outgoing);
  [[nodiscard]] int64_t MercyFor(ReplaceReason reason) const;
  void LetGo(Child& outgoing);
  void OnReplacementOver(int id);
  // The process has ended that was to replace another one; true when that one stays.
  bool GiveUpReplacement(Child& successor);
  void DropOrders(ReplaceReason reason);
  void CheckWorkerReload();
  void NoteWorkerReload();
  void ReloadWorkers();
  void ReloadWorkersBrutally();
  void ChainReload();
  void SayChainWaits();

  // The number of workers, and their limits: looked at once per check-interval.
  void WatchWorkers();
  void LookAtWorkers();
  void MeasureMemory();
  void CheckLimits();
  void Scale();
  [[nodiscard]] ScalingView ViewOfWorkers();
  [[nodiscard]] Child* ActiveWorker(int id);
  [[nodiscard]] int CountActiveWorkers();
  int AddWorkers(int count);
  void WantWorkers(int count);
  void StopWorker(int id);
  void StopAnyWorker();
  void CheckIdle();
  void GoCheap();
  void WaitForConnection();
  void LeaveCheapMode();
  void OnConnection();

  // Harakiri.
  void WatchHarakiri();
  void CheckHarakiri();
  void CheckHelperHarakiri(Child& child);

  // Signals.
  void ReadSignals();
  void ReloadProgram(bool brutally);
  void ReloadForNewCode();
  void ReloadHelpers(ChildKind kind);
  void ReloadHelper(Child& child);
  void OnTrialEnd(int wait_status);
  [[nodiscard]] std::string CurrentLogFile() const;
  [[nodiscard]] std::string Jail() const;
  void BecomeNew();
  bool RefusesReload();
  void NoteFailedReload();
  void Stop(int signal, Patience patience, int exit_status);
  [[nodiscard]] int64_t MercyAtStop(const Child& child, Patience patience) const;
  void StopNow();
  void StopWhenEmpty();
  void DumpCounters() const;

  struct Program {
    pid_t pid = 0;
    UniqueFunction<void(int)> on_end;
  };

  [[nodiscard]] const SupervisionSpec& spec() const { return *parts_.serving.supervision; }
  [[nodiscard]] WorkerSlot& SlotOf(const Child& child) const {
    return parts_.serving.scoreboard->berth(child.id, child.berth);
  }

  MasterParts parts_;
  std::optional<SignalSource> signals_;
  std::unique_ptr<EventLoop> loop_;
  Lifeline lifeline_;
  const pid_t pid_ = ::getpid();
  ChildTable children_;
  std::vector<Program> programs_;
  std::vector<DaemonInfo> daemons_;
  std::optional<Trial> trial_;
  int renewed_trials_ = 0;  // for new code, while one was under way
  int workers_ = 0;         // that this server may have; none when it listens nowhere
  int first_workers_ = 0;   // that it starts with
  bool started_ = false;    // every worker of this start has served
  bool any_ready_ = false;  // at least one of them has
  bool stopping_ = false;
  bool stopping_now_ = false;
  bool children_gone_ = false;  // while stopping
  bool is_reload_end_ = false;  // exit-on-reload: the stop was a reload
  bool reloads_brutally_ = false;
  int exit_status_ = 0;
  TimerId harakiri_timer_ = 0;
  int64_t harakiri_off_us_ = 0;  // harakiri was put off until then

  std::deque<ReplacementOrder> orders_;
  int replacing_ = 0;  // the worker whose turn it is, where one at a time has one
  TimerId replacing_timer_ = 0;
  bool is_turn_of_chain_ = false;  // it has it by a chain reload
  bool is_chain_reload_ = false;
  bool is_worker_reload_ = false;
  TimerId chain_timer_ = 0;

  ScalingMemory scaling_memory_;
  bool is_cheap_ = false;  // no worker; a connection starts them
  int owed_workers_ = 0;   // wanted, but both berths are still taken by processes that end
  std::vector<WatchId> door_watches_;
  int64_t memory_measured_us_ = 0;
  uint64_t requests_seen_ = 0;
  int64_t last_request_us_ = 0;
};

}  // namespace uwsgi
