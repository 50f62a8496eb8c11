// SPDX-License-Identifier: Apache-2.0
#include "process/emperor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/log.h"
#include "process/fork.h"
#include "process/pidfile.h"
#include "process/vassal_program.h"

extern char** environ;

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
// Files are often written in several steps; what is seen half is run half.
constexpr int64_t kScanDelay = kSecond / 5;
constexpr int kReadsAtATurn = 16;

int64_t WallSeconds() { return WallMicros() / kSecond; }

bool IsExile(int wait_status) {
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kExitExile;
}
bool IsGoodEnd(int wait_status) { return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0; }

}  // namespace

std::string_view NameOf(VassalState state) {
  constexpr std::string_view kNames[] = {"waiting", "running", "stopping", "idle"};
  return kNames[static_cast<size_t>(state)];
}

std::vector<std::string> CurrentEnvironment() {
  std::vector<std::string> variables;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) variables.emplace_back(*at);
  return variables;
}

Emperor::Emperor(EmperorParts parts, SignalSource signals, std::unique_ptr<EventLoop> loop)
    : parts_(std::move(parts)),
      signals_(std::move(signals)),
      loop_(std::move(loop)),
      blacklist_(parts_.spec.throttle_us, parts_.spec.longest_throttle_us) {}

Emperor::~Emperor() = default;

Result<std::unique_ptr<Emperor>> Emperor::Create(EmperorParts parts, SignalSource signals) {
  auto loop = TRY(EventLoop::Create());
  std::unique_ptr<Emperor> emperor(
      new Emperor(std::move(parts), std::move(signals), std::move(loop)));
  TRY_STATUS(emperor->Prepare());
  return emperor;
}

Status Emperor::Prepare() {
  TRY_STATUS(
      signals_->Install({SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGURG, SIGWINCH, SIGCHLD}));
  TRY_STATUS(signals_->Ignore({SIGUSR2}));
  TRY(loop_->Watch(signals_->fd(), kReadable, [this](uint32_t) { ReadSignals(); }));
  const EmperorSpec& spec = parts_.spec;
  if (!spec.pidfile.empty()) TRY_STATUS(WritePidfile(spec.pidfile));
  if (!spec.stats_address.empty()) {
    stats_ = TRY(EmperorStats::Open(*loop_, spec.stats_address, spec.stats_origin,
                                    [this] { return Stats(); }));
  }
  files_ = FileWatch::Create(*loop_);
  for (const VassalMonitor& monitor : spec.monitors) {
    if (monitor.kind != VassalMonitor::Kind::kDirectory) continue;
    files_->Add(monitor.place, [this](FileChange) { ScanSoon(); });
  }
  loop_->Every(spec.scan_period_us, [this] { Scan(); });
  ticked_us_ = MonotonicMicros();
  loop_->Every(kSecond, [this] { Tick(); });
  return {};
}

int Emperor::Run() {
  LogLine("*** starting uWSGI Emperor ***");
  [[maybe_unused]] const Status hooks_done = parts_.hooks->Run(HookPhase::kEmperorStart);
  parts_.hooks->services().patience_s = HookServices::kMasterPatienceS;
  ReadSignals();
  if (!ending_) Scan();
  if (parts_.on_started) parts_.on_started();
  if (!ending_ || !vassals_.empty()) loop_->Run();
  if (!parts_.spec.pidfile.empty()) RemovePidfile(parts_.spec.pidfile, ::getpid());
  LogDatedLine("The Emperor is buried.");
  return 0;
}

// ---- Looking ------------------------------------------------------------------------------------

void Emperor::ScanSoon() {
  loop_->Cancel(scan_soon_);
  scan_soon_ = loop_->After(kScanDelay, [this] {
    scan_soon_ = 0;
    Scan();
  });
}

void Emperor::Scan() {
  if (ending_) return;
  std::set<std::string> found;
  for (const VassalMonitor& monitor : parts_.spec.monitors) Look(monitor, found);
  if (unreadable_.empty()) ForgetOthers(found);
}

// Of vassals whose files are gone nothing has to be remembered.
void Emperor::ForgetOthers(const std::set<std::string>& found) {
  const auto is_gone = [&](const std::string& name) {
    return !found.contains(name) && !vassals_.contains(name);
  };
  for (auto* const memory : {&respawned_, &objected_, &exiled_})
    std::erase_if(*memory, [&](const auto& entry) { return is_gone(entry.first); });
  blacklist_.ForgetIf(is_gone, MonotonicMicros());
}

void Emperor::Look(const VassalMonitor& monitor, std::set<std::string>& found) {
  const auto files = FindVassals(monitor, parts_.spec.scan);
  if (!files) {
    // A disk that is away for a moment shall not stop every site.
    if (unreadable_.insert(monitor.text).second) {
      Log("[emperor] {}; its vassals stay as they are", files.error().text());
    }
    return;
  }
  unreadable_.erase(monitor.text);
  std::set<std::string> here;
  for (const VassalFile& file : *files) {
    here.insert(file.name);
    // Of two with the same name the first is run.
    if (found.insert(file.name).second) Meet(file);
  }
  StopMissing(monitor, here);
}

void Emperor::Meet(const VassalFile& file) {
  Vassal* const known = Find(file.name);
  if (known == nullptr) return Start(file);
  if (known->is_told_to_stop() || known->file.modified_ns == file.modified_ns) return;
  if (known->has_process()) return Reload(*known, file.modified_ns);
  // Its socket may be another one now.
  Remove(file.name);
  Start(file);
}

void Emperor::StopMissing(const VassalMonitor& monitor, const std::set<std::string>& found) {
  std::vector<std::string> missing;
  for (const auto& [name, vassal] : vassals_) {
    if (vassal.file.monitor == monitor.text && !found.contains(name)) missing.push_back(name);
  }
  for (const std::string& name : missing) Stop(*Find(name), VassalState::kStopping);
}

// ---- Vassals ------------------------------------------------------------------------------------

Vassal* Emperor::Find(const std::string& name) {
  const auto found = vassals_.find(name);
  return found != vassals_.end() ? &found->second : nullptr;
}

void Emperor::Start(const VassalFile& file) {
  if (const auto exile = exiled_.find(file.name); exile != exiled_.end()) {
    if (exile->second == file.modified_ns) return;
    exiled_.erase(exile);
  }
  if (parts_.spec.has_blacklist && !blacklist_.MayStart(file.name, MonotonicMicros())) {
    if (blacklist_.ReportOnce(file.name)) {
      LogDated("[emperor] unloyal bad behaving vassal found: {} throttling it...", file.shown());
    }
    return;
  }
  Vassal& vassal = vassals_[file.name];
  vassal.file = file;
  vassal.born = WallSeconds();
  vassal.on_demand = OnDemandAddressOf(parts_.spec, file);
  if (const auto again = respawned_.find(file.name); again != respawned_.end()) {
    vassal.respawns = again->second;
  }
  const Status started = vassal.on_demand.empty() ? StartProcess(vassal) : StartWaiting(vassal);
  if (started) return;
  const bool is_new = !objected_.contains(file.name) || objected_[file.name] != file.modified_ns;
  objected_[file.name] = file.modified_ns;
  if (is_new) LogLine(started.error().text());
  Remove(file.name);
}

// Nothing runs until somebody connects.
Status Emperor::StartWaiting(Vassal& vassal) {
  if (!vassal.socket.valid()) {
    const Listener bound = TRY(Listener::Bind({.address = vassal.on_demand,
                                               .option = "emperor-on-demand",
                                               .origin = vassal.file.path()}));
    // The vassal gets a copy; so does the Emperor, as it outlives every process of the vassal.
    vassal.socket = UniqueFd(::fcntl(bound.fd(), F_DUPFD_CLOEXEC, 3));
    if (!vassal.socket.valid()) return ErrnoError("fcntl()", errno);
    LogDated("[emperor] {} waits for its first connection on {}", vassal.file.shown(),
             vassal.on_demand);
  }
  vassal.state = VassalState::kWaiting;
  vassal.socket_watch =
      TRY(loop_->Watch(vassal.socket.get(), kReadable | kOneShot,
                       [this, name = vassal.file.name](uint32_t) { Awake(name); }));
  return {};
}

void Emperor::Awake(const std::string& name) {
  Vassal* const vassal = Find(name);
  if (vassal == nullptr || vassal->state != VassalState::kWaiting) return;
  loop_->Unwatch(std::exchange(vassal->socket_watch, 0));
  const Status started = StartProcess(*vassal);
  if (started) return;
  LogLine(started.error().text());
  Remove(name);
}

Status Emperor::StartProcess(Vassal& vassal) {
  FdPair channel = TRY(MakeSocketPair(SOCK_STREAM));
  vassal.channel = std::move(channel.first);
  const std::string name = vassal.file.name;
  vassal.channel_watch = TRY(
      loop_->Watch(vassal.channel.get(), kReadable, [this, name](uint32_t) { ReadNews(name); }));
  TRY_STATUS(RunVassal(vassal, std::move(channel.second)));
  vassal.state = VassalState::kRunning;
  vassal.last_run = WallSeconds();
  if (vassal.first_run == 0) vassal.first_run = vassal.last_run;
  vassal.is_listening = vassal.is_ready = vassal.is_accepting = vassal.has_accepted = false;
  vassal.is_loyal = vassal.is_cursed = false;
  vassal.last_heartbeat = vassal.heartbeat_us = vassal.deadline_us = 0;
  RunHook(parts_.spec.start_hook, vassal);
  RunHooksFor(vassal);
  return {};
}

Status Emperor::RunVassal(Vassal& vassal, UniqueFd their_end) {
  auto made = MakeVassalProgram(parts_.spec, vassal.file, parts_.environment);
  if (!made) {
    return Fail("[emperor-tyrant] invalid permissions for vassal {}: {}", vassal.file.shown(),
                made.error().text());
  }
  ProgramSpec& program = *made;
  program.environment.push_back(fmt::format("{}={}", kEmperorVariable, their_end.get()));
  program.inherit = {their_end.get()};
  program.input = vassal.socket.get();
  if (program.identity) {
    Log("[emperor-tyrant] dropping privileges to {} {} for instance {}", program.identity->uid,
        program.identity->gid, vassal.file.shown());
  }
  // Whatever they leave behind is the vassal's: its environment, its directory, its limits.
  UniqueFunction<bool()> as_vassal = [this, &vassal] {
    HookServices& services = parts_.hooks->services();
    services.patience_s = HookServices::kFullPatienceS;
    services.vassal = {vassal.file.name, 0, vassal.file.uid, vassal.file.gid};
    return parts_.hooks->Run(HookPhase::kAsVassal).has_value();
  };
  program.before_exec = &as_vassal;
  vassal.pid = TRY(SpawnProgram(program));
  return {};
}

// Of the Emperor, about this vassal. Commands run beside it and know which one it is.
void Emperor::RunHooksFor(const Vassal& vassal) {
  HookServices& services = parts_.hooks->services();
  services.run_command = [&](const std::string& command) {
    RunHook(command, vassal);
    return Status();
  };
  services.vassal = {vassal.file.name, vassal.pid, vassal.file.uid, vassal.file.gid};
  [[maybe_unused]] const Status done = parts_.hooks->Run(HookPhase::kAsEmperor);
  services.vassal.reset();
  services.run_command = {};
}

void Emperor::RunHook(const std::string& command, const Vassal& vassal) {
  if (command.empty()) return;
  // Nobody waits for it; Reap() takes it away.
  const auto pid =
      SpawnProgram(MakeVassalHook(command, vassal.file, vassal.pid, parts_.environment));
  if (!pid) LogLine(pid.error().text());
}

void Emperor::Reload(Vassal& vassal, int64_t modified_ns) {
  LogDated("[emperor] reload the uwsgi instance {}", vassal.file.shown());
  vassal.file.modified_ns = modified_ns;
  vassal.is_ready = vassal.is_accepting = false;
  vassal.last_run = WallSeconds();
  respawned_[vassal.file.name] = ++vassal.respawns;
  Send(vassal, EmperorOrder::kReload);
}

void Emperor::Stop(Vassal& vassal, VassalState as) {
  if (vassal.is_told_to_stop()) {
    // What was to wait again is to end now.
    if (as == VassalState::kStopping) vassal.state = as;
    return;
  }
  LogDated("[emperor] stop the uwsgi instance {}", vassal.file.shown());
  if (!vassal.has_process()) return Remove(vassal.file.name);
  vassal.state = as;
  vassal.deadline_us = MonotonicMicros() + parts_.spec.stop_mercy_us;
  RunHook(parts_.spec.stop_hook, vassal);
  const auto order =
      parts_.spec.stops_gracefully ? EmperorOrder::kStopGracefully : EmperorOrder::kStop;
  // Who has not come so far as to listen to orders knows this signal.
  if (!vassal.is_listening || !Send(vassal, order)) ::kill(vassal.pid, SIGTERM);
}

// There is no process any more, or there never was one.
void Emperor::Remove(const std::string& name) {
  Vassal* const vassal = Find(name);
  if (vassal == nullptr) return;
  loop_->Unwatch(vassal->socket_watch);
  CloseChannel(*vassal);
  vassals_.erase(name);
  EndWhenEmpty();
}

bool Emperor::Send(Vassal& vassal, EmperorOrder order) {
  const auto byte = static_cast<char>(order);
  return ::send(vassal.channel.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

void Emperor::CloseChannel(Vassal& vassal) {
  loop_->Unwatch(std::exchange(vassal.channel_watch, 0));
  vassal.channel.Reset();
}

void Emperor::ReadNews(const std::string& name) {
  Vassal* vassal = Find(name);
  uint8_t news[64];
  // Who talks all the time does not keep the Emperor from the others.
  for (int reads = 0; reads < kReadsAtATurn && vassal != nullptr && vassal->channel.valid();
       ++reads) {
    const ssize_t got = ::recv(vassal->channel.get(), news, sizeof news, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      // Its end comes as a signal.
      loop_->Unwatch(std::exchange(vassal->channel_watch, 0));
      return;
    }
    for (ssize_t i = 0; i < got; ++i) Hear(*vassal, static_cast<VassalNews>(news[i]));
    vassal = Find(name);
  }
}

void Emperor::Hear(Vassal& vassal, VassalNews news) {
  const std::string& name = vassal.file.name;
  const int64_t now = WallSeconds();
  switch (news) {
    case VassalNews::kSpawned:
      if (!vassal.is_listening)
        LogDated("[emperor] vassal {} has been spawned", vassal.file.shown());
      vassal.is_listening = vassal.is_ready = true;
      vassal.last_ready = now;
      // It may be loading: the next heartbeat is the first that has to be followed by others.
      vassal.heartbeat_us = 0;
      return;
    case VassalNews::kAccepting:
      LogDated("[emperor] vassal {} is ready to accept requests", vassal.file.shown());
      vassal.is_accepting = vassal.has_accepted = true;
      vassal.last_accepting = now;
      return;
    case VassalNews::kLoyal:
      LogDated("[emperor] vassal {} is now loyal", vassal.file.shown());
      vassal.is_loyal = true;
      vassal.last_loyal = now;
      return blacklist_.Forget(name);
    case VassalNews::kIdle:
      return Stop(vassal, vassal.on_demand.empty() ? VassalState::kStopping : VassalState::kIdle);
    case VassalNews::kHeartbeat:
      vassal.last_heartbeat = now;
      vassal.heartbeat_us = MonotonicMicros();
      return;
    case VassalNews::kWantsConfig:
    case VassalNews::kWantsReinforcements:
      return LogDated("[emperor] vassal {} asks for what there is not here (message {})",
                      vassal.file.shown(), static_cast<int>(news));
  }
  LogDated("[emperor] unknown message {} from vassal {}", static_cast<int>(news),
           vassal.file.shown());
}

// ---- Their end ----------------------------------------------------------------------------------

void Emperor::Reap() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    const auto ended =
        std::ranges::find_if(vassals_, [&](const auto& entry) { return entry.second.pid == pid; });
    if (ended != vassals_.end()) OnEnd(ended->second, status);
  }
}

void Emperor::OnEnd(Vassal& vassal, int wait_status) {
  const std::string name = vassal.file.name;
  // What it has said last is heard first.
  ReadNews(name);
  const bool was_loyal = vassal.is_loyal;
  const bool is_asked = vassal.state == VassalState::kStopping;
  // The connection that has started one which never serves is still there, and would do so again.
  const bool has_done_well = IsGoodEnd(wait_status) && vassal.has_accepted;
  const bool waits_again = !vassal.on_demand.empty() && !is_asked && !ending_ &&
                           (vassal.state == VassalState::kIdle || has_done_well);
  if (!is_asked && !waits_again && vassal.state != VassalState::kIdle) Curse(vassal, wait_status);
  vassal.pid = 0;
  CloseChannel(vassal);
  LogDated("[emperor] removed uwsgi instance {}", vassal.file.shown());
  if (waits_again && StartWaiting(vassal)) return;
  respawned_[name] = vassal.respawns + 1;
  Remove(name);
  // Who was loyal is back at once, and who is stopped for good makes room for a file that is back.
  if (!ending_ && (was_loyal || is_asked)) ScanSoon();
}

void Emperor::Curse(Vassal& vassal, int wait_status) {
  vassal.is_cursed = true;
  const std::string& name = vassal.file.name;
  LogDated("[emperor] curse the uwsgi instance {} (pid: {})", vassal.file.shown(), vassal.pid);
  if (IsExile(wait_status)) {
    LogDated(
        "[emperor] vassal {} has chosen exile (exit code {}): it is started again when its "
        "file changes",
        vassal.file.shown(), kExitExile);
    exiled_[name] = vassal.file.modified_ns;
    return;
  }
  if (!vassal.is_loyal) blacklist_.NoteFailure(name, MonotonicMicros(), WallSeconds());
}

void Emperor::Tick() {
  const int64_t now = MonotonicMicros();
  const int64_t late = std::max<int64_t>(now - ticked_us_ - kSecond, 0);
  ticked_us_ = now;
  for (auto& [name, vassal] : vassals_) {
    if (!vassal.has_process()) continue;
    // That nothing was heard while the Emperor itself stood still is not the fault of a vassal.
    if (vassal.heartbeat_us != 0) vassal.heartbeat_us = std::min(vassal.heartbeat_us + late, now);
    CheckHeartbeat(vassal, now);
    if (vassal.deadline_us == 0 || now < vassal.deadline_us) continue;
    LogDated("[emperor] vassal {} (pid: {}) takes too long to stop and is killed",
             vassal.file.shown(), vassal.pid);
    ::kill(vassal.pid, SIGKILL);
    vassal.deadline_us = now + kSecond;
  }
}

void Emperor::CheckHeartbeat(Vassal& vassal, int64_t now) {
  if (vassal.heartbeat_us == 0 || vassal.is_told_to_stop()) return;
  if (now - vassal.heartbeat_us < parts_.spec.heartbeat_limit_us) return;
  LogDated("[emperor] vassal {} sent no heartbeat in the last {} seconds, it is killed",
           vassal.file.shown(), parts_.spec.heartbeat_limit_us / kSecond);
  vassal.heartbeat_us = 0;
  ::kill(vassal.pid, SIGKILL);
}

// ---- Signals ------------------------------------------------------------------------------------

void Emperor::ReadSignals() {
  for (const int signal : signals_->Drain()) Obey(signal);
}

void Emperor::Obey(int signal) {
  switch (signal) {
    case SIGCHLD:
      return Reap();
    case SIGHUP:
      return ReloadAll();
    case SIGUSR1:
      return Dump();
    case SIGURG:
      exiled_.clear();
      blacklist_.Clear();
      return Scan();
    case SIGWINCH:
      return Scan();
    default:
      return End();
  }
}

void Emperor::ReloadAll() {
  for (auto& [name, vassal] : vassals_) {
    if (vassal.has_process() && !vassal.is_told_to_stop()) Reload(vassal, vassal.file.modified_ns);
  }
}

// The second time nothing is waited for.
void Emperor::End() {
  if (ending_) return EndAtOnce();
  ending_ = true;
  LogLine("[emperor] *** RAGNAROK EVOKED ***");
  std::vector<std::string> names;
  for (const auto& entry : vassals_) names.push_back(entry.first);
  for (const std::string& name : names) Stop(*Find(name), VassalState::kStopping);
  EndWhenEmpty();
}

void Emperor::EndAtOnce() {
  for (auto& entry : vassals_) {
    if (entry.second.has_process()) ::kill(entry.second.pid, SIGKILL);
  }
}

void Emperor::EndWhenEmpty() {
  if (ending_ && vassals_.empty()) loop_->Stop();
}

void Emperor::Dump() const {
  for (const auto& entry : vassals_) {
    const Vassal& vassal = entry.second;
    Log("vassal instance {} (last modified {}) status {} loyal {} zerg 0", vassal.file.shown(),
        vassal.file.modified_ns / 1'000'000'000, vassal.is_cursed ? 1 : 0, vassal.is_loyal ? 1 : 0);
  }
}

std::string Emperor::Stats() const { return EmperorDocument(parts_.spec, vassals_, blacklist_); }

}  // namespace uwsgi
