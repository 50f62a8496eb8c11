// SPDX-License-Identifier: Apache-2.0
#include "process/spooler_main.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "net/signal_source.h"
#include "process/messages.h"
#include "process/user_signals.h"
#include "service/signal_router.h"
#include "service/spooler.h"

namespace uwsgi {
namespace {

constexpr int kWeakestPriority = 19;
constexpr int64_t kAskUs = 1000;
constexpr std::array kEndSignals = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

// Told to end, a spooler finishes its task and begins no other; when it is killed before it has,
// that is not the task's fault. The signal may come in the middle of the task, so a handler has to
// note it.
Spooler* noted_spooler = nullptr;
void (*handler_before)(int, siginfo_t*, void*) = nullptr;

void OnEndSignal(int signal, siginfo_t* info, void* context) {
  // In what a task has forked the note's descriptor may be another file's.
  if (SignalSource::IsCallers()) noted_spooler->TellToEnd();
  handler_before(signal, info, context);
}

void NoteEndSignals(Spooler& spooler) {
  noted_spooler = &spooler;
  for (const int signal : kEndSignals) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    handler_before = action.sa_sigaction;
    action.sa_sigaction = OnEndSignal;
    ::sigaction(signal, &action, nullptr);
  }
}

// What wakes the process beside its tasks.
class Wakers {
 public:
  // `run_signal` runs the handler of a user signal; `queues` are where they come from.
  Wakers(SignalSource& signals, int master_fd, const std::vector<int>& queues,
         UniqueFunction<void(uint8_t)> run_signal)
      : signals_(signals), master_fd_(master_fd), run_signal_(std::move(run_signal)) {
    for (const int queue : queues) user_.push_back({queue, POLLIN, 0});
  }

  // What has arrived meanwhile; between many short tasks it is not asked for each time.
  SpoolerCalls::Next Poll() {
    if (MonotonicMicros() - asked_us_ < kAskUs) return SpoolerCalls::Next::kGoOn;
    return Wait(0);
  }

  // Waits up to `wait_us` for a signal or the end of the master, runs the handlers of user signals,
  // and says what is to be done.
  SpoolerCalls::Next Wait(int64_t wait_us) {
    std::vector<pollfd> fds = {{signals_.fd(), POLLIN, 0}, {master_fd_, POLLIN, 0}};
    fds.insert(fds.end(), user_.begin(), user_.end());
    const timespec wait = {wait_us / 1'000'000, wait_us % 1'000'000 * 1000};
    const int ready = ::ppoll(fds.data(), fds.size(), &wait, nullptr);
    asked_us_ = MonotonicMicros();
    if (ready <= 0) return SpoolerCalls::Next::kGoOn;
    for (size_t i = 2; i < fds.size(); ++i) {
      if (fds[i].revents == 0) continue;
      if (const auto signal = SignalRouter::Take(fds[i].fd)) run_signal_(*signal);
    }
    SpoolerCalls::Next next = SpoolerCalls::Next::kGoOn;
    if (fds[0].revents != 0) {
      for (const int signal : signals_.Drain()) {
        if (signal != SIGUSR1) return SpoolerCalls::Next::kStop;
        next = SpoolerCalls::Next::kLookAgain;
      }
    }
    return fds[1].revents != 0 ? SpoolerCalls::Next::kStop : next;
  }

 private:
  SignalSource& signals_;
  int master_fd_;
  int64_t asked_us_ = 0;
  std::vector<pollfd> user_;
  UniqueFunction<void(uint8_t)> run_signal_;
};

// What it has of the server and no spooler needs: the sockets would stay open after the server's
// end for what tasks leave behind, and the terminal is not for tasks.
void LetGo(const ServingParts& parts) {
  for (const Listener* const listener : parts.listeners) ::close(listener->fd());
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) {
    ::dup2(nothing, STDIN_FILENO);
    ::close(nothing);
  }
  // compat: requests go first.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kWeakestPriority));
}

// Up to the end of the process. With spooler-cheap that is also when there was nothing to do for as
// long as the spooler would wait before it looks again.
void WorkOff(Spooler& spooler, Wakers& wakers, const Spoolers& all) {
  int64_t last_ran_us = MonotonicMicros();
  // It may have been told to end before there was anybody to note it.
  if (wakers.Wait(0) == SpoolerCalls::Next::kStop) return;
  for (;;) {
    switch (spooler.RunRound()) {
      case Spooler::Round::kRan:
        last_ran_us = MonotonicMicros();
        break;
      case Spooler::Round::kIdle:
        if (all.spec().is_cheap && MonotonicMicros() - last_ran_us >= all.frequency_s() * 1'000'000)
          return;
        if (wakers.Wait(spooler.wait_us()) == SpoolerCalls::Next::kStop) return;
        break;
      case Spooler::Round::kStopped:
      case Spooler::Round::kUsedUp:
        return;
    }
  }
}

Result<int> Serve(const ServingParts& parts, size_t slot, HelperContext& context) {
  auto signals = TRY(SignalSource::Create());
  TRY_STATUS(signals.Ignore({SIGUSR2, SIGALRM, SIGTSTP}));
  TRY_STATUS(signals.Install({SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1}));
  UnblockSignals();
  SignalRouter* const router = parts.services->signals;
  if (router != nullptr) router->BecomeSpooler();
  TRY_STATUS(parts.runtime->StartSpooler());
  std::optional<Spooler> chosen;
  Wakers wakers(signals, context.master_fd,
                router != nullptr ? router->OwnQueues() : std::vector<int>(),
                [&parts, &context, &chosen, slot](uint8_t signal) {
                  if (chosen && parts.services->spoolers->spec().counts_signals)
                    chosen->CountTask();
                  RunHelperSignal(parts, parts.services->spoolers->slots()[slot].helper, "spooler",
                                  context.id, signal);
                });
  Spooler& spooler =
      chosen.emplace(*parts.services->spoolers, slot,
                     SpoolerCalls{.run =
                                      [&parts](const SpoolTask& task, std::string_view name) {
                                        return parts.runtime->RunSpoolTask(task, name);
                                      },
                                  .between = [&wakers] { return wakers.Poll(); }});
  NoteEndSignals(spooler);
  context.report_ready();
  WorkOff(spooler, wakers, *parts.services->spoolers);
  spooler.Leave();
  noted_spooler = nullptr;
  return 0;
}

int SpoolerMain(const ServingParts& parts, size_t slot, HelperContext context) {
  LetGo(parts);
  const auto served = Serve(parts, slot, context);
  if (!served) Log("spooler {}: {}", context.id, served.error().text());
  return served ? *served : served.error().exit_code;
}

}  // namespace

std::vector<HelperPlace> MakeSpoolerPlaces(const ServingParts& parts) {
  std::vector<HelperPlace> places;
  const Spoolers* const spoolers = parts.services->spoolers;
  for (size_t slot = 0; spoolers != nullptr && slot < spoolers->slots().size(); ++slot) {
    const SpoolDirSpec& directory = spoolers->spec().directories[spoolers->DirectoryOf(slot)];
    if (directory.is_external) continue;
    HelperPlace place;
    place.kind = ChildKind::kSpooler;
    place.id = static_cast<int>(slot) + 1;
    place.title = "uWSGI spooler";
    place.mercy_us = parts.supervision->worker_mercy_us;
    place.slot = &spoolers->slots()[slot].helper;
    if (spoolers->spec().is_cheap) {
      place.is_wanted = [path = directory.path, numbers = spoolers->spec().is_ordered] {
        const auto scan = SpoolDir(path).Scan(numbers, WallMicros());
        return scan && !scan->due.empty();
      };
    }
    place.main = [serving = parts, slot](HelperContext context) {
      return SpoolerMain(serving, slot, std::move(context));
    };
    place.spawned_line = [path = directory.path](pid_t pid) {
      return message::SpoolerSpawned(path, pid);
    };
    place.died_line = [](pid_t, int) { return std::string(message::kSpoolerDied); };
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace uwsgi
