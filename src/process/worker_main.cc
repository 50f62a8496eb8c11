// SPDX-License-Identifier: Apache-2.0
#include "process/worker_main.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/log.h"
#include "net/signal_source.h"
#include "process/cpu_affinity.h"
#include "process/fork.h"
#include "process/messages.h"
#include "process/user_signals.h"
#include "service/signal_router.h"

namespace uwsgi {
namespace {

// Keeps the signals that tell a worker to end until it has handlers for them, so that it ends in
// order even when they come before its first request.
class EarlySignals {
 public:
  static Result<EarlySignals> Create() {
    EarlySignals early(TRY(SignalSource::Create()));
    TRY_STATUS(early.source_->Install({SIGHUP, SIGTERM, SIGINT, SIGQUIT}));
    return early;
  }

  // Gives them to the handlers that `install` puts in place.
  template <typename F>
  auto HandTo(F&& install) {
    const SignalMask mask;
    const std::vector<int> arrived = source_->Drain();
    source_.reset();
    auto result = install();
    for (const int signal : arrived) ::raise(signal);
    return result;
  }

 private:
  explicit EarlySignals(SignalSource source) : source_(std::move(source)) {}
  std::optional<SignalSource> source_;
};

// Until it has handlers: what started the server may have had them ignored (nohup).
void EndAtSignals() {
  for (const int signal : {SIGHUP, SIGTERM, SIGQUIT}) ::signal(signal, SIG_DFL);
}

Status LoadLazily(const ServingParts& parts) {
  if (!parts.supervision->lazy_apps) return {};
  TRY_STATUS(parts.hooks->Run(HookPhase::kPreApp));
  TRY_STATUS(parts.runtime->LoadApps());
  return parts.hooks->Run(HookPhase::kPostApp);
}

Status AnnounceAccepting(const ServingParts& parts, int id) {
  const bool is_once =
      parts.scoreboard->worker(id).totals->respawn_count.load(std::memory_order_relaxed) <= 1;
  HookRunner& hooks = *parts.hooks;
  TRY_STATUS(hooks.Run(HookPhase::kAccepting));
  if (is_once) TRY_STATUS(hooks.Run(HookPhase::kAcceptingOnce));
  if (id != 1) return {};
  TRY_STATUS(hooks.Run(HookPhase::kAccepting1));
  return is_once ? hooks.Run(HookPhase::kAccepting1Once) : Status();
}

Status PrepareApplication(const ServingParts& parts) {
  const std::string& directory = parts.supervision->worker_directory;
  if (!directory.empty()) {
    LogLine(message::Chdir(directory));
    if (::chdir(directory.c_str()) != 0) return ErrnoError("chdir2 " + directory, errno);
  }
  return parts.runtime->StartWorker();
}

WorkerContext ContextOf(const ServingParts& parts, int id, int berth, int master_fd,
                        WorkerEvents events) {
  WorkerContext context;
  context.id = id;
  context.berth = berth;
  context.scoreboard = parts.scoreboard;
  context.listeners = parts.listeners;
  context.request_spec = parts.request_spec;
  context.runtime = parts.runtime;
  context.errands = SignalErrands(parts, id, context.berth);
  context.services = parts.services;
  context.master_fd = master_fd;
  context.migration = parts.migration;
  context.succession = parts.succession;
  if (const int fd = parts.runtime->OwnEvents(id); fd >= 0) {
    context.errands.push_back({fd, [&parts](int core) { parts.runtime->OnOwnEvent(core); }});
  }
  context.on_ready = std::move(events.on_ready);
  context.on_stop = std::move(events.on_stop);
  context.on_recycle = std::move(events.on_recycle);
  context.on_given_up = std::move(events.on_given_up);
  context.on_waiting = std::move(events.on_waiting);
  context.end_now = std::move(events.end_now);
  return context;
}

Result<int> Serve(const ServingParts& parts, WorkerContext context) {
  const int id = context.id;
  TRY_STATUS(BindToCpus(id, parts.supervision->cpus_per_worker));
  TRY_STATUS(LeaveRoot(parts));
  TRY_STATUS(parts.hooks->Run(HookPhase::kPostFork));
  // An application that is still loading has no request to finish: it may be ended at once.
  TRY_STATUS(LoadLazily(parts));
  EarlySignals early = TRY(EarlySignals::Create());
  UnblockSignals();
  TRY_STATUS(PrepareApplication(parts));
  const std::unique_ptr<Worker> worker =
      TRY(early.HandTo([&] { return Worker::Create(*parts.worker_spec, std::move(context)); }));
  parts.control->set_on_deadline([&worker] { worker->LookAtDeadlines(); });
  TRY_STATUS(AnnounceAccepting(parts, id));
  return worker->Run();
}

}  // namespace

Status LeaveRoot(const ServingParts& parts) {
  if (parts.identity->drop_point != DropPoint::kInWorkers) return {};
  return KeepLifeTied([&parts] { return ChangeIdentity(*parts.identity, *parts.hooks); });
}

int ServeAsWorker(const ServingParts& parts, int id, int berth, int master_fd,
                  WorkerEvents events) {
  if (parts.supervision->lazy_apps) {
    if (parts.supervision->has_master) EndAtSignals();
    UnblockSignals();
  }
  const auto served = Serve(parts, ContextOf(parts, id, berth, master_fd, std::move(events)));
  if (!served) Log("worker {}: {}", id, served.error().text());
  parts.runtime->End();
  return served ? *served : served.error().exit_code;
}

int WorkerMain(const ServingParts& parts, int id, int berth, int master_fd, UniqueFd reports) {
  const std::string title = ComposeTitle(parts.supervision->titles,
                                         fmt::format("uWSGI worker {}", id), /*is_master=*/false);
  if (!title.empty()) SetTitle(title);
  ServerControl& control = *parts.control;
  control.BecomeWorker(id, std::move(reports), berth);
  if (SignalRouter* const signals = parts.services->signals; signals != nullptr)
    signals->BecomeWorker(id);
  WorkerEvents events;
  events.on_ready = [&control] { control.Report(ChildReport::kReady); };
  events.end_now = EndProcess;
  if (parts.supervision->has_master) {
    events.on_recycle = [&control](RecycleCause cause) {
      control.Report(cause == RecycleCause::kException ? ChildReport::kHasRaised
                                                       : ChildReport::kHasServed);
    };
    events.on_given_up = [&control] { control.Report(ChildReport::kIsOverdue); };
    events.on_waiting = [&control] { control.Report(ChildReport::kHasWaiting); };
  }
  return ServeAsWorker(parts, id, berth, master_fd, std::move(events));
}

}  // namespace uwsgi
