// SPDX-License-Identifier: Apache-2.0
#include "cli/server.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "base/host_name.h"
#include "base/log.h"
#include "base/log_output.h"
#include "cli/hook_services.h"
#include "config/help.h"
#include "net/net_plan.h"
#include "net/signal_source.h"
#include "process/alone.h"
#include "process/banner.h"
#include "process/duties.h"
#include "process/emperor.h"
#include "process/log_file.h"
#include "process/messages.h"
#include "process/service_manager.h"
#include "python/python_plan.h"
#include "python/python_runtime.h"
#include "request/request_plan.h"
#include "service/log_plan.h"
#include "worker/worker_plan.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

// What was handed to this process, by whoever started it.
Result<std::vector<InheritedSocket>> TakeInheritedSockets(const Options& options,
                                                          const StartOrder& order) {
  std::vector<InheritedSocket> sockets;
  if (order.state) sockets = ParseHandOver(order.state->listeners);
  if (order.kind != StartKind::kFirst) return sockets;
  const char* const pid = std::getenv("LISTEN_PID");
  const char* const count = std::getenv("LISTEN_FDS");
  if (pid != nullptr && count != nullptr) sockets = TakeActivatedSockets(pid, count);
  if (!options.skip_zero && !options.honour_stdin) {
    for (InheritedSocket& socket : TRY(TakeStandardInput())) sockets.push_back(std::move(socket));
  }
  return sockets;
}

// The trial of a reload opens no log, but the files of the loggers must be ones that it could open.
Status ProveLogFiles(const LogSpec& spec) {
  for (const LogStreamSpec* stream : {&spec.server, &spec.requests}) {
    for (const LoggerSpec& logger : stream->loggers) {
      if (logger.kind != LoggerKind::kFile) continue;
      const Status proven = ProveLogTarget(logger.path);
      if (!proven) return WithContext("logger " + logger.text, proven.error());
    }
  }
  return {};
}

StoreUse StoreUseOf(StartKind kind) {
  if (kind == StartKind::kTrial) return StoreUse::kNone;
  return kind == StartKind::kSuccessor ? StoreUse::kInherit : StoreUse::kOwn;
}

}  // namespace

Result<ServerSpecs> PlanServer(const Options& options) {
  ServerSpecs specs;
  specs.process = TRY(PlanProcesses(options));
  specs.listeners = TRY(PlanListeners(options));
  // An Emperor that serves, too, is a child of a master.
  if (specs.process.emperor.is_on() && !specs.listeners.empty())
    specs.process.supervision.has_master = true;
  specs.inherited_listener = TRY(PlanInheritedListener(options));
  specs.request = TRY(PlanRequests(options));
  specs.worker = TRY(PlanWorker(options));
  specs.python = TRY(PlanPython(options));
  specs.services = TRY(PlanServices(options));
  specs.log = TRY(PlanLog(options));
  return specs;
}

Result<int> Server::Run() {
  const StartUpSpec& spec = specs_.process.start_up;
  TRY_STATUS(BecomeAtOnce(spec.identity));
  TRY_STATUS(hooks_.Run(HookPhase::kAsap));
  if (spec.daemonize && order_.kind == StartKind::kFirst) {
    Launch launch = TRY(Daemonize(spec.log.path));
    if (launch.exit_status) return *launch.exit_status;
    launch_ = std::move(launch.report);
  }
  const auto prepared = Prepare();
  if (!prepared) {
    OnFailed(prepared.error());
    Error error = prepared.error();
    // Whatever ends a trial early, it has proven nothing.
    if (is_trial() && error.exit_code == 0) error.exit_code = 1;
    return tl::unexpected(std::move(error));
  }
  if (is_trial()) return EndTrial();
  if (options_.no_server) {
    if (runtime_) runtime_->EndUnserving();
    start_up_.Undo(&*listeners_);
    launch_.Ready();
    return 0;
  }
  auto ended = Serve();
  if (!ended) {
    OnFailed(ended.error());
    return ended;
  }
  if (!has_started_) {
    ReportFailure(
        {.message = "the server ended before it was ready, see the log", .exit_code = *ended});
    if (*ended != 0) start_up_.Undo(&*listeners_);
  }
  LeaveNothing();
  if (!has_started_ && *ended == kExitFailed) return Fail("the server ended before it was ready");
  return ended;
}

void Server::LeaveNothing() {
  // The language has ended, and nobody hears alarms any more.
  TakeFromHooks(hooks_.services());
  // A hook that fails has said so, and the end is the end.
  [[maybe_unused]] const Status done = hooks_.Run(HookPhase::kAtExit);
  start_up_.Vacuum(*listeners_);
}

Status Server::Prepare() {
  TRY_STATUS(PrepareProcess());
  TRY_STATUS(BindSockets());
  if (is_emperor_alone()) return {};
  TRY_STATUS(CreateShared());
  return LoadLanguage();
}

Status Server::PrepareProcess() {
  // Nobody would look after the workers that still serve, and nobody could reload once more.
  if (is_trial() && !supervision().has_master) {
    return Fail("master: a reload cannot take the master away; stop the server and start it again");
  }
  signals_.emplace(TRY(SignalSource::Create()));
  // For good, in every process: children give the source back, and this has to stay.
  ::signal(SIGPIPE, SIG_IGN);
  TRY_STATUS(RememberSignals());
  UnblockSignals();

  started_on_ = order_.state && order_.kind == StartKind::kSuccessor ? order_.state->started_on
                                                                     : WallMicros() / kSecond;
  TRY_STATUS(start_up_.SetEnvironment());
  TRY_STATUS(start_up_.OpenLog());
  TRY_STATUS(StartLog());
  if (!is_trial()) LogBanner(command_.binary);
  TRY_STATUS(start_up_.WriteFirstPidfile());
  TRY_STATUS(start_up_.SetPriority());
  TRY_STATUS(start_up_.WaitForOthers());
  if (order_.kind == StartKind::kFirst) TRY_STATUS(hooks_.Run(HookPhase::kPreJail));
  TRY_STATUS(hooks_.Run(HookPhase::kInJail));
  TRY_STATUS(ServiceSet::PrepareFiles(specs_.services, specs_.process.start_up.identity));
  TRY_STATUS(start_up_.PassDropPoint(DropPoint::kBeforeBind));
  TRY_STATUS(start_up_.EnterDirectory());
  if (!is_trial()) LogSystemFacts(supervision().has_master);
  return {};
}

// From here on lines go through the log process, if there is one. What a trial says is for its
// master.
Status Server::StartLog() {
  TRY_STATUS(log_counters_.Open());
  alarms_.emplace(TRY(Alarms::Create(specs_.services.alarms)));
  if (is_trial()) return ProveLogFiles(specs_.log);
  if (!specs_.log.captured) return {};
  const StartUpSpec& spec = specs_.process.start_up;
  const bool stays_root = spec.identity.drop_point == DropPoint::kInWorkers;
  LogRelaySpec relay{.log = &specs_.log,
                     .identity = stays_root ? nullptr : &spec.identity,
                     .counters = &log_counters(),
                     .alarms = alarms_->scans_lines() ? &*alarms_ : nullptr,
                     .title = ComposeTitle(supervision().titles, "uWSGI log", /*is_master=*/false),
                     .main_path = LogFilePath(),
                     .main_mode = spec.log.mode};
  if (order_.state) relay.former = order_.state->log_processes;
  log_ = TRY(LogRelay::Start(std::move(relay)));
  start_up_.set_log(log_.get());
  return {};
}

// What arrives while the application loads is done once it has loaded. Only Ctrl-C ends a first
// start at once; as the first process of a container nothing would end us that we have no handler
// for.
Status Server::RememberSignals() {
  TRY_STATUS(signals_->Install({SIGHUP, SIGTERM, SIGQUIT}));
  // It was a master a moment ago, and is asked what masters are asked.
  if (order_.kind == StartKind::kSuccessor) TRY_STATUS(signals_->Install({SIGUSR1, SIGTSTP}));
  if (order_.kind == StartKind::kSuccessor || ::getpid() == 1) return signals_->Install(SIGINT);
  return {};
}

Status Server::BindSockets() {
  auto inherited = TRY(TakeInheritedSockets(options_, order_));
  listeners_ =
      TRY(ListenerSet::Bind(specs_.listeners, std::move(inherited), specs_.inherited_listener));
  // What a trial says is shown only when it fails, and then it shall be what failed.
  if (!is_trial()) {
    for (const std::string& line : listeners_->start_lines()) LogLine(line);
  }
  if (order_.kind == StartKind::kSuccessor) listeners_->Renew();
  if (listeners_->empty() && !options_.no_server && !WorksWithoutSockets(options_)) {
    return Fail(
        "The -s/--socket option is missing and stdin is not a socket: there is nothing to serve");
  }
  return start_up_.PassDropPoint(DropPoint::kAfterBind);
}

Status Server::CreateShared() {
  const SupervisionSpec& spec = supervision();
  SharedSize size;
  const Detail detail = specs_.process.stats.is_wanted() ? Detail::kStats : Detail::kPlain;
  Scoreboard::AddSize(size, spec.processes, spec.threads, detail);
  const ServedSize served{spec.processes, spec.threads, listeners_->listeners().size()};
  ServiceSet::AddSize(size, specs_.services, served);
  if (spec.processes > 1 || spec.has_master) Migration::AddSize(size, spec.processes);
  region_.emplace(TRY(SharedRegion::Create(size)));
  scoreboard_ = TRY(Scoreboard::Create(*region_, spec.processes, spec.threads, detail));
  TRY_STATUS(services_.Create(*region_, specs_.services, StoreUseOf(order_.kind), *alarms_,
                              order_.state ? order_.state->queues : std::vector<LeftQueue>()));
  TRY_STATUS(services_.CreateMetrics(*region_, specs_.services.metrics,
                                     {&*scoreboard_, listeners_->pointers()}));
  if (const Metrics* metrics = services_.services().metrics; metrics != nullptr) {
    specs_.request.log.metric = [metrics](std::string_view name) {
      const Metrics::Row* row = metrics->Find(name);
      return row == nullptr ? std::string() : fmt::format("{}", row->Get());
    };
  }
  if (spec.processes > 1 || spec.has_master)
    migration_ = TRY(Migration::Create(*region_, *scoreboard_));
  if (spec.has_master) {
    succession_ = TRY(Succession::Create(listeners_->pointers(),
                                         order_.state ? order_.state->inlets : std::vector<int>()));
  }
  OfferToHooks(services_.services(), hooks_.services());
  control_ = std::make_unique<ServerControl>(*scoreboard_);
  // Applications ask for it while they are loaded.
  if (supervision().has_master) control_->BecomeMaster();
  facts_ = MakeFacts();
  return {};
}

Status Server::LoadLanguage() {
  const SupervisionSpec& spec = supervision();
  runtime_ = MakePythonRuntime(specs_.python, facts_, *control_, services_.services());
  TRY_STATUS(runtime_->Start());
  if (!is_trial()) LogFacts();
  TRY_STATUS(start_up_.PassDropPoint(DropPoint::kAfterInit));
  // A trial proves the application, whichever process will load it.
  const bool loads_here = !spec.lazy_apps || is_trial() || options_.no_server;
  if (loads_here) TRY_STATUS(LoadApps());
  TRY_STATUS(start_up_.PassDropPoint(DropPoint::kAfterApps));
  return start_up_.OpenLateLog();
}

Status Server::LoadApps() {
  const bool is_for_workers = is_trial() && supervision().lazy_apps;
  const auto run = [&](HookPhase phase) {
    return is_for_workers ? hooks_.RunPrivate(phase) : hooks_.Run(phase);
  };
  TRY_STATUS(run(HookPhase::kPreApp));
  TRY_STATUS(runtime_->LoadApps());
  return run(HookPhase::kPostApp);
}

int64_t Server::SmallestBacklog() const {
  int64_t smallest = SystemBacklogLimit();
  for (const Listener& listener : listeners_->listeners()) {
    smallest = std::min<int64_t>(smallest, listener.backlog());
  }
  return smallest;
}

void Server::LogFacts() const {
  const SupervisionSpec& spec = supervision();
  LogEngineFacts({.has_sockets = !listeners_->empty(),
                  .listen_backlog = SmallestBacklog(),
                  .worker_mercy_s = options_.worker_reload_mercy,
                  .mapped_bytes = static_cast<int64_t>(region_->size()),
                  .processes = spec.processes,
                  .threads = spec.threads});
  if (spec.harakiri_us > 0 && !spec.has_master) LogLine(message::kHarakiriNeedsMaster);
  Log("*** Operational MODE: {} ***", OperationalMode(spec.processes, spec.threads));
}

ServerFacts Server::MakeFacts() const {
  const SupervisionSpec& spec = supervision();
  ServerFacts facts;
  facts.processes = spec.processes;
  facts.threads = spec.threads;
  facts.has_master = spec.has_master;
  facts.is_a_reload = is_reload();
  facts.started_on = started_on_;
  facts.buffer_size = options_.buffer_size;
  facts.hostname = HostName();
  facts.binary_path = command_.binary;
  facts.pidfile = specs_.process.start_up.pidfiles.before_drop;
  for (const Listener& listener : listeners_->listeners()) facts.sockets.push_back(listener.fd());
  for (const Setting& setting : options_.settings) {
    facts.options.push_back({setting.name, setting.value, setting.has_value});
    if (setting.name == "mode") facts.mode = setting.value;
  }
  facts.magic = options_.magic;
  return facts;
}

// Nothing but an Emperor: this process is it.
Result<int> Server::RunEmperor() {
  const EmperorSpec& spec = specs_.process.emperor;
  TRY_STATUS(start_up_.WriteSafePidfiles());
  if (spec.has_own_title) SetTitle(spec.title);
  const std::unique_ptr<Emperor> emperor =
      TRY(Emperor::Create({.spec = spec,
                           .environment = CurrentEnvironment(),
                           .hooks = &hooks_,
                           .on_started = [this] { OnStarted(); }},
                          std::move(*signals_)));
  signals_.reset();
  return emperor->Run();
}

Result<int> Server::Serve() {
  if (is_emperor_alone()) return RunEmperor();
  ServingParts parts;
  parts.supervision = &supervision();
  parts.worker_spec = &specs_.worker;
  parts.request_spec = &specs_.request;
  parts.scoreboard = &*scoreboard_;
  parts.listeners = listeners_->pointers();
  parts.runtime = runtime_.get();
  parts.control = control_.get();
  parts.services = &services_.services();
  parts.started_on = started_on_;
  parts.identity = &specs_.process.start_up.identity;
  parts.hooks = &hooks_;
  parts.migration = migration_.get();
  parts.succession = succession_.get();
  if (specs_.services.background) parts.background = &*specs_.services.background;
  parts.log = log_.get();
  TRY_STATUS(start_up_.WriteSafePidfiles());
  if (supervision().has_master) return ServeWithMaster(std::move(parts));
  // A worker has signals of its own, and lets them in when it is ready for them.
  const SignalMask none_between;
  const std::vector<int> arrived = signals_->Drain();
  signals_.reset();
  if (!arrived.empty()) {
    runtime_->EndUnserving();
    return 0;
  }
  return ServeAlone(
      parts, [this] { OnStarted(); }, [this] { LeaveNothing(); });
}

Result<int> Server::ServeWithMaster(ServingParts serving) {
  MasterParts parts;
  parts.serving = std::move(serving);
  parts.listeners = &*listeners_;
  parts.command = &command_;
  parts.predecessor = order_.kind == StartKind::kSuccessor ? &*order_.state : nullptr;
  parts.started_on = started_on_;
  parts.configuration = ShowConfigText(options_);
  parts.helpers = MakeHelperPlaces(specs_.process, parts.serving);
  parts.duties = MakeDuties(specs_.process, parts.serving);
  parts.vacuum = specs_.process.start_up.vacuum;
  parts.made_files = [this] { return start_up_.MadeFiles(*listeners_); };
  parts.write_pidfiles = [this] { start_up_.RewritePidfiles(); };
  parts.on_started = [this] { OnStarted(); };
  const std::unique_ptr<Master> master =
      TRY(Master::Create(std::move(parts), std::move(*signals_)));
  signals_.reset();
  const int status = master->Run();
  runtime_->EndUnserving();
  return status;
}

// The configuration and the applications load, and the hooks do what they shall: that is all that
// was to be found out.
Result<int> Server::EndTrial() {
  const Status done = hooks_.Run(HookPhase::kMasterStart);
  runtime_->EndUnserving();
  start_up_.Undo(&*listeners_);
  if (!done) return tl::unexpected(done.error());
  return 0;
}

void Server::OnStarted() {
  has_started_ = true;
  // With a master it is a duty of his.
  if (!supervision().has_master) ServiceManager::Find().TellReady("serving");
  launch_.Ready();
}

void Server::OnFailed(const Error& error) {
  start_up_.Undo(listeners_ ? &*listeners_ : nullptr);
  ReportFailure(error);
  if (log_ != nullptr) LogLine(error.text());
}

// How it goes on with the other configuration is in the log only: who waits for the daemon would
// take the first failure for the end.
void Server::ReportFailure(const Error& error) {
  if (has_fallback_ && error.exit_code == kExitFailed) return launch_.Ready();
  launch_.Failed(error);
}

}  // namespace uwsgi
