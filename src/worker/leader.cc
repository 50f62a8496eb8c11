// SPDX-License-Identifier: Apache-2.0
#include "worker/leader.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "worker/migration.h"
#include "worker/succession.h"

namespace uwsgi {
namespace {

constexpr int kMostWaiting =
    1024;  // complete requests without a core; then the kernel keeps the others
constexpr int kAcceptsAlone = 64;    // connections taken at once by the only worker
constexpr int kRequestsInARow = 16;  // of one pipelining client, before others have their turn
constexpr int64_t kAfterMasterMs = 2000;
constexpr int64_t kOutOfDescriptorsMs = 100;
constexpr int64_t kIdleGraceMs =
    1000;  // a draining worker still answers what idle connections were just sending
constexpr int kLookForIdleMs = 4;  // among the other workers, while requests wait here
// For requests that wait behind those that cannot be ended: to move to another worker.
constexpr int64_t kLastChanceMs = 5000;
// After the lead was taken: not a hiccup of the machine or a collection of garbage.
constexpr int64_t kSlowRequestUs = 4000;
constexpr int64_t kClientsSleepUs = 40;  // between two answers that come at this distance
constexpr int64_t kMostRestUs = 1000;    // that the end of an answer waits for others
constexpr int64_t kLookAgainMs = 1000;   // at a connection that a core owned when its time was up

int64_t NowMs() { return MonotonicMicros() / 1000; }

}  // namespace

Result<std::unique_ptr<Leader>> Leader::Create(const WorkerSpec& spec, WorkerContext& context,
                                               CoreShared& shared) {
  Poller poller = TRY(Poller::Create());
  SignalSource signals = TRY(SignalSource::Create());
  UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.valid()) return ErrnoError("eventfd", errno);
  std::unique_ptr<Leader> leader(
      new Leader(spec, context, shared, std::move(poller), std::move(signals), std::move(wake)));
  TRY_STATUS(leader->Prepare());
  return leader;
}

Leader::Leader(const WorkerSpec& spec, WorkerContext& context, CoreShared& shared, Poller poller,
               SignalSource signals, UniqueFd wake)
    : spec_(spec),
      context_(context),
      shared_(shared),
      slot_(*shared.slot),
      place_(static_cast<int>(shared.slot - context.scoreboard->all_berths().data())),
      poller_(std::move(poller)),
      signals_(std::move(signals)),
      wake_(std::move(wake)),
      seats_(spec.threads, [this] { Poke(); }) {
  now_ms_ = started_ms_ = NowMs();
}

Leader::~Leader() {
  RemoveBuried();
  while (connections_ != nullptr) {
    Connection* const next = connections_->next;
    delete connections_;
    connections_ = next;
  }
}

Status Leader::Prepare() {
  TRY_STATUS(poller_.Add(wake_.get(), kReadable, &wake_));
  TRY_STATUS(poller_.Add(signals_.fd(), kReadable, &signals_));
  TRY_STATUS(signals_.Install({SIGHUP, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2}));
  if (spec_.has_master) {
    TRY_STATUS(signals_.Ignore({SIGINT, SIGTSTP}));  // the terminal's keys are the master's affair
    TRY_STATUS(signals_.Install(SIGWINCH));
  } else {
    TRY_STATUS(signals_.Install({SIGINT}));
  }
  if (context_.master_fd >= 0)
    TRY_STATUS(poller_.Add(context_.master_fd, kReadable | kPollPeerClosed, &context_));
  takes_for_twin_ = TakesForTwin();
  TRY_STATUS(OpenArrivals());
  for (Errand& errand : context_.errands)
    TRY_STATUS(poller_.Add(errand.fd, kReadable | kOneShot, &errand));
  if (const int fd = context_.runtime->MainEvents(); fd >= 0)
    TRY_STATUS(poller_.Add(fd, kReadable | kOneShot, context_.runtime));
  int index = 0;
  for (const Listener* listener : context_.listeners) {
    auto door = std::make_unique<Door>();
    door->front = MakeFront(index++, *listener, *context_.request_spec);
    const int on = 1;  // inherited by the accepted sockets; a whole answer leaves with one call, so
                       // nothing is gained by waiting
    if (!listener->is_unix())
      ::setsockopt(listener->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    doors_.push_back(std::move(door));
  }
  if (context_.succession != nullptr) {
    for (Mailbox& box : context_.succession->inlets()) inlets_.push_back({.box = &box});
  }
  LookAtPause();
  if (!paused_) OpenDoors();
  return {};
}

// --- doors ---

bool Leader::MayAccept(const Driver& driver) const {
  if (draining_.load(std::memory_order_relaxed) || now_ms_ < doors_shut_until_ms_) return false;
  if (paused_) return false;
  if (driver.core != nullptr) return true;
  if (spec_.processes == 1) return seats_.work_count() < kMostWaiting;
  // All cores are inside the application. Other workers may have a free one.
  if (seats_.has_work()) return false;
  for (const WorkerSlot& other : context_.scoreboard->all_berths()) {
    if (&other == &slot_) continue;
    const WorkerState state = other.state.load(std::memory_order_relaxed);
    if (state == WorkerState::kStarting) return false;
    if (state == WorkerState::kAccepting && other.busy_cores() < spec_.threads) return false;
  }
  return true;
}

// The kernel wakes the worker that has waited at the listener for longest; whoever has taken a
// connection queues up again behind the others, so that connections spread.
void Leader::QueueUpAgain(Door& door) {
  poller_.Remove(door.front.listener->fd());
  OpenDoor(door);
}

// What the kernel has no room for is tried again after a pause, in which all doors are shut.
void Leader::OpenDoor(Door& door) {
  const uint32_t exclusive = spec_.processes > 1 ? kExclusive : 0;
  const Status opened = poller_.Add(door.front.listener->fd(), kReadable | exclusive, &door);
  door.open = opened.has_value();
  if (!opened) ShutDoors(opened.error().message, opened.error().error_number);
}

void Leader::OpenDoors() {
  for (const auto& door : doors_) {
    if (!door->open && !door->at_end) OpenDoor(*door);
  }
  OpenInlets();
  doors_open_ = true;
  if (now_ms_ < doors_shut_until_ms_) CloseDoors();
}

void Leader::CloseDoors() {
  for (const auto& door : doors_) {
    if (door->open) poller_.Remove(door->front.listener->fd());
    door->open = false;
  }
  CloseInlets();
  doors_open_ = false;
}

// Out of descriptors or memory.
void Leader::ShutDoors(std::string_view what, int error) {
  if (now_ms_ < doors_shut_until_ms_) return;
  LogDated("*** cannot accept a connection: {} (raise max-fd); pausing for {} ms ***",
           Error{std::string(what), error}.text(), kOutOfDescriptorsMs);
  doors_shut_until_ms_ = now_ms_ + kOutOfDescriptorsMs;
}

// There may be descriptors again.
void Leader::TryAgain() {
  doors_shut_until_ms_ = 0;
  slot_.lacks_descriptors.store(false, std::memory_order_relaxed);
  if (arrivals_open_) return;
  if (const Status opened = OpenArrivals(); !opened)
    ShutDoors(opened.error().message, opened.error().error_number);
}

void Leader::Accept(Door& door, Driver& driver) {
  const int most = spec_.processes > 1 ? 1 : kAcceptsAlone;
  for (int taken = 0; taken < most && driver.leads; ++taken) {
    sockaddr_storage address;
    socklen_t size = sizeof address;
    UniqueFd socket(::accept4(door.front.listener->fd(), reinterpret_cast<sockaddr*>(&address),
                              &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) {
      const int error = errno;
      if (error == ECONNABORTED || error == EINTR) continue;
      if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
        // The kernel looks for a descriptor first, and for a connection only then.
        if (!AwaitReady(door.front.listener->fd(), POLLIN, 0)) return;
        if (error == EMFILE && CloseOldestIdle()) continue;
        ShutDoors("accept", error);
      }
      if (error == EINVAL) {
        poller_.Remove(door.front.listener->fd());
        door.open = false;
        door.at_end = true;
      }
      return;
    }
    if (spec_.processes > 1) QueueUpAgain(door);
    if (door.front.listener->is_unix()) address.ss_family = AF_UNIX;
    const auto* const peer = reinterpret_cast<const sockaddr*>(&address);
    const bool trusted = context_.request_spec->trusted_proxies.Contains(peer);
    Connection& connection = Enlist(std::make_unique<Connection>(
        std::move(socket), door.front, PeerAddress(peer), trusted, pool_));
    Proceed(connection, connection.OnEvent(Hint::kReady, now_ms_), driver);
  }
}

Connection& Leader::Enlist(std::unique_ptr<Connection> owned) {
  Connection* const connection = owned.release();
  connection->set_draining(&draining_);
  connection->Opened(now_ms_);
  connection->next = connections_;
  if (connections_ != nullptr) connections_->previous = connection;
  connections_ = connection;
  ++connection_count_;
  wheel_.Schedule(connection->timer, connection->deadline_ms());
  return *connection;
}

// --- the loop ---

void Leader::Drive(Driver& driver) {
  // Those of who led before; a core that does not lead has nothing to do with them.
  if (driver.leads) {
    driver_.store(ThreadView::OfCaller(), std::memory_order_relaxed);
    PushResting();
  }
  while (driver.leads && !seats_.ending()) {
    if (batch_next_ == batch_size_) {
      TurnOver(driver);
    } else {
      const Poller::Event event = batch_[static_cast<size_t>(batch_next_++)];
      Dispatch(event, driver);
    }
  }
}

void Leader::BeforeWait(Core& core) {
  core.BeforeWait();
  if (core.id() != 0 || !has_main_event_.load(std::memory_order_relaxed)) return;
  has_main_event_.store(false, std::memory_order_relaxed);
  context_.runtime->OnMainEvent();
  static_cast<void>(
      poller_.Modify(context_.runtime->MainEvents(), kReadable | kOneShot, context_.runtime));
}

// The batch is done: what was put off, then the wait for the next one.
void Leader::TurnOver(Driver& driver) {
  PushResting();
  ExpireTimers();
  if (has_buried_.load(std::memory_order_acquire)) RemoveBuried();
  if (driver.core != nullptr) {
    // Those that come back to the queue meanwhile wait for the next turn.
    for (size_t left = seats_.work_count(); left > 0; --left) {
      const Work waiting = seats_.PopWork();
      if (!waiting) break;
      Do(waiting, driver);
      if (!driver.leads) return;
    }
  } else if (context_.migration != nullptr && seats_.has_work() && !seats_.lead_wanted()) {
    GiveWaitingAway();
  } else if (seats_.lead_wanted() && seats_.WatcherPassesLead()) {
    driver.leads = false;
    return;
  }
  if (const RecycleCause cause = shared_.recycle_wanted.load(std::memory_order_relaxed);
      cause != RecycleCause::kNone)
    WantReplacement(cause);
  if (drain_ != Drain::kNo) {
    CheckDrain();
    if (seats_.ending()) return;
  }
  if (driver.core != nullptr) BeforeWait(*driver.core);
  if (doors_shut_until_ms_ != 0 && now_ms_ >= doors_shut_until_ms_) TryAgain();
  if (const bool may_accept = MayAccept(driver); may_accept != doors_open_)
    may_accept ? OpenDoors() : CloseDoors();
  int timeout = wheel_.MillisUntilNext(now_ms_);
  if (now_ms_ < doors_shut_until_ms_) timeout = static_cast<int>(kOutOfDescriptorsMs);
  if (drain_ != Drain::kNo && (timeout < 0 || timeout > 100)) timeout = 100;
  if (driver.core != nullptr && seats_.has_work()) timeout = 0;
  const bool may_give_away =
      driver.core == nullptr && context_.migration != nullptr && seats_.has_work();
  if (may_give_away && (timeout < 0 || timeout > kLookForIdleMs)) timeout = kLookForIdleMs;
  batch_next_ = 0;
  batch_size_ = poller_.Wait(batch_, timeout);
  now_ms_ = NowMs();
}

void Leader::Dispatch(const Poller::Event& event, Driver& driver) {
  void* const tag = event.data.ptr;
  if (tag == &wake_) {
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    return;
  }
  if (tag == &signals_) return TakeSignals();
  if (tag == context_.runtime) {
    has_main_event_.store(true, std::memory_order_relaxed);
    if (driver.core == nullptr || driver.core->id() != 0) seats_.Nudge(0);
    return;
  }
  if (tag == &context_) {
    poller_.Remove(context_.master_fd);
    Log("uWSGI worker {} screams: UAAAAAAH my master disconnected: i will kill myself !!!",
        context_.id);
    // The next server shall be able to bind the addresses while we finish our requests.
    for (const Listener* listener : context_.listeners) listener->RefuseClients();
    if (context_.succession != nullptr) context_.succession->RefuseLetters();
    return BeginDrain(Drain::kMasterGone);
  }
  if (tag == context_.migration) return TakeArrivals(place_, driver);
  if (tag == slot_.twin) return TakeArrivals(twin_place(), driver);
  for (const auto& door : doors_) {
    if (tag == door.get()) {
      if (door->open) Accept(*door, driver);
      return;
    }
  }
  for (Inlet& inlet : inlets_) {
    if (tag == &inlet) return TakeLetters(inlet, driver);
  }
  for (Errand& errand : context_.errands) {
    if (tag == &errand) return Do({.errand = &errand}, driver);
  }
  auto& connection = *static_cast<Connection*>(tag);
  if (!connection.TryOwnOrNotify()) return;
  const bool closed = (event.events & (kPollPeerClosed | kPollHangUp | kPollFailed)) != 0;
  Proceed(connection, connection.OnEvent(closed ? Hint::kPeerClosed : Hint::kReady, now_ms_),
          driver);
}

// Runs what may take long; somebody else may lead when it returns.
template <typename F>
void Leader::RunInApp(Driver& driver, F&& run) {
  if (!driver.leads) return run();
  const Lead::Entry entry = lead_.EnterApp();
  if (watcher_asleep.load(std::memory_order_seq_cst)) seats_.WakeWatcher();
  run();
  driver.leads = lead_.LeaveApp(entry);
  if (driver.leads) return;
  if (MonotonicMicros() - lead_taken_us_.load(std::memory_order_relaxed) > kSlowRequestUs)
    seen_slow_.store(true, std::memory_order_relaxed);
}

void Leader::NoteLeadTaken() {
  lead_taken_us_.store(MonotonicMicros(), std::memory_order_relaxed);
  if (PushGate* const gate = push_gate_.load(std::memory_order_relaxed); gate != nullptr)
    gate->Shut();
}

void Leader::Do(const Work& work, Driver& driver) {
  if (work.connection != nullptr) return Proceed(*work.connection, Step::kRun, driver);
  Errand& errand = *work.errand;
  if (driver.core == nullptr) return seats_.PushWork(work);
  RunInApp(driver, [&] { errand.run(driver.core->id()); });
  if (draining_.load(std::memory_order_relaxed)) return;
  static_cast<void>(poller_.Modify(errand.fd, kReadable | kOneShot, &errand));
}

void Leader::Proceed(Connection& connection, Step step, Driver& driver) {
  int in_a_row = 0;
  for (;;) {
    switch (step) {
      case Step::kRun: {
        // It may end on a core that does not lead and so cannot set the next deadline.
        if (driver.leads) wheel_.Schedule(connection.timer, now_ms_ + kLookAgainMs);
        const bool others_first =
            ++in_a_row > kRequestsInARow || (!driver.leads && in_a_row > 1 && seats_.has_work());
        if (driver.core == nullptr || others_first)
          return seats_.PushWork({.connection = &connection});
        step = RunRequest(connection, driver);
        break;
      }
      case Step::kClose:
        return Bury(connection);
      case Step::kWait:
        if (!connection.Register(poller_)) {
          connection.GiveUp(CloseReason::kNoResources);
          return Bury(connection);
        }
        if (driver.leads) wheel_.Schedule(connection.timer, connection.deadline_ms());
        if (connection.Release()) return;
        step = connection.OnEvent(Hint::kUnknown, NowMs());
        break;
    }
  }
}

Step Leader::RunRequest(Connection& connection, Driver& driver) {
  if (driver.leads && driver.core->is_slow() && seats_.has_idle_core() &&
      seats_.OfferLeadToIdleCore())
    driver.leads = false;
  Core& core = *driver.core;
  const int socket = connection.fd();
  const bool may_rest = MayRest(connection, driver);
  if (may_rest) push_gate_.store(&core.push_gate(), std::memory_order_relaxed);
  Step step = Step::kWait;
  RunInApp(driver, [&] { step = core.Run(connection, may_rest); });
  if (may_rest && core.answer_rests()) NoteResting(socket, driver);
  // The leader, who looks at this at every turn, may be waiting for an event.
  if (!driver.leads &&
      shared_.recycle_wanted.load(std::memory_order_relaxed) != RecycleCause::kNone)
    Poke();
  return step;
}

// While others wait to be run, and each takes so long that clients go to sleep meanwhile.
bool Leader::MayRest(const Connection& connection, const Driver& driver) const {
  return driver.leads && batch_next_ < batch_size_ && driver.core->average_us() > kClientsSleepUs &&
         !connection.front().listener->is_unix();
}

void Leader::NoteResting(int socket, const Driver& driver) {
  if (!driver.leads) return PushGate::Push(socket);
  const int64_t now_us = driver.core->ended_us();
  if (resting_count_ == 0) resting_since_us_ = now_us;
  resting_[static_cast<size_t>(resting_count_++)] = socket;
  if (resting_count_ == kMostResting || now_us - resting_since_us_ > kMostRestUs) PushResting();
}

// A socket that is closed meanwhile has sent all; another one of the same number takes no harm.
void Leader::PushResting() {
  for (int i = 0; i < resting_count_; ++i) PushGate::Push(resting_[static_cast<size_t>(i)]);
  resting_count_ = 0;
}

// --- ends ---

// Any thread. The object stays until the batch that may name it is done; it remains owned, so
// nobody looks at it.
void Leader::Bury(Connection& connection) {
  if (connection.close_reason() != CloseReason::kNone) NoteUnanswered(connection);
  connection.Unregister(poller_);
  connection.Close();
  const std::lock_guard lock(graveyard_mutex_);
  graveyard_.push_back(&connection);
  has_buried_.store(true, std::memory_order_release);
}

// A client has begun to ask and gets no answer, or not the whole of it.
void Leader::NoteUnanswered(const Connection& connection) const {
  const CloseReason reason = connection.close_reason();
  slot_.totals->closed[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  const bool is_write = reason == CloseReason::kClientGone || reason == CloseReason::kWriteTimeout;
  if (is_write && connection.spec().ignore_write_errors) return;
  Log("[{}] closed the connection of {} unanswered, reason: {}",
      connection.front().protocol->name(),
      connection.peer_text().empty() ? "a UNIX peer" : connection.peer_text(), NameOf(reason));
}

void Leader::RemoveBuried() {
  std::vector<Connection*> buried;
  {
    const std::lock_guard lock(graveyard_mutex_);
    buried.swap(graveyard_);
    has_buried_.store(false, std::memory_order_release);
  }
  for (Connection* connection : buried) {
    if (connection->previous != nullptr) connection->previous->next = connection->next;
    if (connection->next != nullptr) connection->next->previous = connection->previous;
    if (connections_ == connection) connections_ = connection->next;
    delete connection;
    --connection_count_;
  }
}

void Leader::ExpireTimers() {
  wheel_.Expire(now_ms_, [this](TimerNode& node) {
    Expire(*static_cast<Connection::Timer&>(node).connection);
  });
}

void Leader::Expire(Connection& connection) {
  if (!connection.TryOwn()) return wheel_.Schedule(connection.timer, now_ms_ + kLookAgainMs);
  Driver bystander{nullptr, true};  // a request that has come at last waits its turn
  Proceed(connection, connection.OnDeadline(now_ms_), bystander);
}

void Leader::Poke() const { ::eventfd_write(wake_.get(), 1); }

void Leader::TakeSignals() {
  for (const int signal : signals_.Drain()) {
    if (signal == SIGWINCH) {
      LookAtPause();
      continue;
    }
    if (signal == SIGUSR1) {
      DescribeCounters();
      continue;
    }
    if (signal == SIGUSR2) {
      if (harakiri_ != nullptr) harakiri_->Describe();
      continue;
    }
    exit_status_ = signal == SIGHUP ? kExitGraceful : kExitImmediate;
    const bool insists =
        !spec_.has_master && (signal == SIGINT || signal == SIGTERM) && ++signals_to_end_ > 1;
    if (signal == SIGQUIT || insists) {
      EndNow(kExitImmediate);
      return;
    }
    if (drain_ == Drain::kNo) {
      if (signal == SIGHUP)
        Log("Gracefully killing worker {} (pid: {})...", context_.id, ::getpid());
      else if (!spec_.has_master && context_.id == 1)
        LogLine("SIGINT/SIGTERM received...killing workers...");
      BeginDrain(Drain::kStop);
      if (context_.on_stop) context_.on_stop();
    }
  }
}

// Doors are opened and shut at the end of each turn.
void Leader::LookAtPause() {
  const bool paused = context_.scoreboard->paused().load(std::memory_order_relaxed);
  if (paused == paused_) return;
  paused_ = paused;
  LogDated("*** worker {} {} ***", context_.id, paused ? "suspended" : "resumed");
}

void Leader::DescribeCounters() const {
  Log("worker {} (pid: {}) requests: {} (of this process: {}) exceptions: {} busy cores: {}",
      context_.id, ::getpid(), slot_.requests(), slot_.delta_requests(),
      slot_.Total(&CoreSlot::exceptions), slot_.busy_cores());
}

// A master has the replacement ready before it tells us to end.
void Leader::WantReplacement(RecycleCause cause) {
  if (drain_ != Drain::kNo || has_asked_for_replacement_) return;
  if (cause == RecycleCause::kMaxRequests) {
    if (now_ms_ - started_ms_ < spec_.min_worker_lifetime_s * 1000) return;
    Log("...The work of process {} is done. Seeya!", ::getpid());
  }
  has_asked_for_replacement_ = true;
  if (!context_.on_recycle) return BeginDrain(Drain::kRecycle);
  context_.on_recycle(cause);
}

void Leader::BeginDrain(Drain why) {
  if (drain_ != Drain::kNo) return;
  drain_ = why;
  draining_.store(true, std::memory_order_relaxed);
  slot_.accepting.store(false, std::memory_order_relaxed);
  slot_.state.store(WorkerState::kDraining, std::memory_order_seq_cst);
  drain_started_ms_ = now_ms_;
  if (exit_status_ == 0 && why != Drain::kStop) exit_status_ = kExitGraceful;
  // A master that asked for it looks at the clock itself, and is a little earlier.
  drain_deadline_ms_ = now_ms_ + spec_.mercy_s * 1000 + (spec_.has_master ? kAfterMasterMs : 0);
  CloseDoors();
  OpenInlets();  // for what is just being sent
  for (const Errand& errand : context_.errands) poller_.Remove(errand.fd);
  if (context_.migration != nullptr) poller_.Remove(context_.migration->inlet_fd(twin_place()));
  for (Connection* connection = connections_; connection != nullptr;
       connection = connection->next) {
    wheel_.Schedule(connection->timer, now_ms_ + kIdleGraceMs);
  }
}

void Leader::CheckDrain() {
  if (has_buried_.load(std::memory_order_acquire)) RemoveBuried();
  const bool may_still_arrive = MayStillArrive();
  const auto given_up = harakiri_ != nullptr ? harakiri_->given_up() : HarakiriWatch::GivenUp();
  if (connection_count_ == 0 && !may_still_arrive) {
    if (given_up.handlers > 0) return EndNow(kExitImmediate);
    return seats_.End();
  }
  // Nothing is left but what cannot be ended otherwise (harakiri).
  const bool nobody_runs_what_waits = given_up.all() >= spec_.threads && seats_.has_work() &&
                                      now_ms_ - drain_started_ms_ >= kLastChanceMs;
  const bool nothing_else = given_up.requests > 0 && given_up.requests >= connection_count_;
  if (nothing_else || nobody_runs_what_waits) return EndNow(kExitImmediate);
  if (now_ms_ >= drain_deadline_ms_) {
    LogDated("worker {} (pid: {}) is taking too much time to die...NO MERCY !!!", context_.id,
             ::getpid());
    EndNow(exit_status_);
  }
}

// With the lines of the requests that have been answered.
void Leader::EndNow(int status) {
  FlushLogs();
  context_.end_now(status);
}

}  // namespace uwsgi
