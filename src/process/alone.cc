// SPDX-License-Identifier: Apache-2.0
#include "process/alone.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "base/log.h"
#include "process/fork.h"
#include "process/lifeline.h"
#include "process/log_relay.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

// The server's exit status for a worker's. The predecessor ends with 30 when it is told to stop
// without a master; every service manager would take that for a failure.
int StatusOfServer(int worker_status) {
  return worker_status == kExitImmediate ? 0 : worker_status;
}

// The workers beside the first.
class Siblings {
 public:
  Siblings(const ServingParts& parts, Lifeline& lifeline) : parts_(parts), lifeline_(lifeline) {}

  Status Fork(int id) {
    NoteSpawn(id, 0);
    ForkSpec fork;
    fork.runtime = parts_.runtime;
    fork.leave_parent = [this] { lifeline_.LetGo(); };
    fork.log = parts_.log;
    fork.log_as = "worker";
    fork.log_worker = id;
    fork.main = [this, id, first = ::getpid()](UniqueFd) {
      parts_.scoreboard->worker(id).pid.store(::getpid(), std::memory_order_relaxed);
      return WorkerMain(parts_, id, /*berth=*/0, lifeline_.WatchInChild(first), UniqueFd());
    };
    const Forked forked = TRY(ForkChild(std::move(fork)));
    parts_.scoreboard->worker(id).pid.store(forked.pid, std::memory_order_relaxed);
    pids_.push_back(forked.pid);
    LogLine(message::WorkerSpawned(id, forked.pid, parts_.supervision->threads));
    return {};
  }

  void NoteSpawn(int id, pid_t pid) const {
    WorkerSlot& slot = parts_.scoreboard->worker(id);
    slot.state.store(WorkerState::kStarting, std::memory_order_relaxed);
    slot.NoteSpawn(id, pid, WallMicros() / kSecond);
  }

  void TellToEnd() const {
    for (const pid_t pid : pids_) ::kill(pid, SIGTERM);
  }

  // Tells them to finish their requests, and kills those that do not within the mercy time.
  void End() {
    TellToEnd();
    const int64_t deadline = MonotonicMicros() + parts_.supervision->worker_mercy_us;
    while (!pids_.empty() && MonotonicMicros() < deadline) {
      std::erase_if(pids_, [](pid_t pid) { return HasEnded(pid, WNOHANG); });
      if (!pids_.empty()) WaitForSome();
    }
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      HasEnded(pid, 0);
    }
  }

 private:
  static bool HasEnded(pid_t pid, int how) {
    const pid_t ended = ::waitpid(pid, nullptr, how);
    return ended == pid || (ended < 0 && errno == ECHILD);
  }

  // Until a child ends, or a little while.
  static void WaitForSome() {
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &child, &before);
    const timespec a_little{0, 20'000'000};
    ::sigtimedwait(&child, nullptr, &a_little);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  const ServingParts& parts_;
  Lifeline& lifeline_;
  std::vector<pid_t> pids_;
};

}  // namespace

Result<int> ServeAlone(const ServingParts& parts, UniqueFunction<void()> on_started,
                       UniqueFunction<void()> clean_up) {
  const SupervisionSpec& spec = *parts.supervision;
  parts.control->BecomeFirst();
  Lifeline lifeline = TRY(Lifeline::Create());
  Siblings siblings(parts, lifeline);
  siblings.NoteSpawn(1, ::getpid());
  LogLine(spec.processes == 1 ? message::OnlyWorkerSpawned(::getpid(), spec.threads)
                              : message::WorkerSpawned(1, ::getpid(), spec.threads));
  for (int id = 2; id <= spec.processes; ++id) {
    if (const auto forked = siblings.Fork(id); !forked) {
      siblings.End();
      return tl::unexpected(forked.error());
    }
  }
  if (parts.log != nullptr) parts.log->LeaveUnwatched();
  parts.control->BecomeWorker(1, UniqueFd());
  WorkerEvents events;
  events.on_ready = std::move(on_started);
  events.on_stop = [&parts, &siblings] {
    siblings.TellToEnd();
    for (const Listener* listener : parts.listeners) listener->RefuseClients();
  };
  events.end_now = [&clean_up](int end_status) {
    clean_up();
    EndProcess(StatusOfServer(end_status));
  };
  const int status = ServeAsWorker(parts, 1, /*berth=*/0, /*master_fd=*/-1, std::move(events));
  siblings.End();
  LogLine(message::kGoodbye);
  return StatusOfServer(status);
}

}  // namespace uwsgi
