// SPDX-License-Identifier: Apache-2.0
#include "process/daemon_duty.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "process/file_note.h"
#include "process/hand_over.h"
#include "process/hook_actions.h"
#include "process/pidfile.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr std::string_view kNote = "daemon";
constexpr std::string_view kTouchNote = "daemon-touch";

// Whether `word` is a program that the shell would find.
bool IsProgram(std::string_view word) {
  if (word.find('/') != std::string_view::npos) {
    return ::access(std::string(word).c_str(), X_OK) == 0;
  }
  const char* const path = std::getenv("PATH");
  for (const std::string_view directory : Split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    if (::access(fmt::format("{}/{}", directory, word).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// A command without anything that the shell would do takes the place of the shell, so that signals
// and the end of the master reach it and nobody between.
std::string WithoutShell(const std::string& command) {
  constexpr std::string_view kSpecial = ";&|<>()$`\"'\\*?[]#~=%{}!\n";
  const auto words = SplitWords(command);
  const bool is_plain = !words.empty() && command.find_first_of(kSpecial) == std::string::npos;
  return is_plain && IsProgram(words[0]) ? "exec " + command : command;
}

// Only root can be somebody else; what one of the two leaves open stays as it is.
std::optional<ProgramIdentity> IdentityOf(const DaemonSpec& spec) {
  if (::geteuid() != 0 || (!spec.uid && !spec.gid)) return std::nullopt;
  const gid_t gid = spec.gid.value_or(::getegid());
  return ProgramIdentity{spec.uid.value_or(0), gid, {gid}};
}

ProgramSpec ProgramOf(const DaemonSpec& spec) {
  ProgramSpec program = ShellProgram(WithoutShell(spec.command));
  program.new_session = true;
  program.null_input = !spec.keep_stdin;
  program.identity = IdentityOf(spec);
  program.directory = spec.directory;
  program.new_pid_namespace = spec.new_pid_namespace;
  if (spec.is_smart()) program.death_signal = 0;
  return program;
}

// A process that has ended keeps its number until somebody has taken note of it.
bool HasEnded(int pidfd) {
  pollfd waited{.fd = pidfd, .events = POLLIN, .revents = 0};
  return ::poll(&waited, 1, 0) > 0;
}

Status WritePid(const std::string& path, pid_t pid) {
  LogLine(fmt::format("writing pidfile to {}", path));
  return WriteFileAtomically(path, std::to_string(pid) + "\n");
}

// It is about to lead a group, if it does not yet.
void KillStray(pid_t pid) {
  if (::kill(-pid, SIGKILL) != 0) ::kill(pid, SIGKILL);
}

}  // namespace

DaemonDuty::DaemonDuty(std::vector<DaemonSpec> specs, int64_t mercy_us) : mercy_us_(mercy_us) {
  for (DaemonSpec& spec : specs) {
    auto daemon = std::make_unique<Daemon>();
    daemon->spec = std::move(spec);
    daemons_.push_back(std::move(daemon));
  }
}

DaemonDuty::~DaemonDuty() = default;

Status DaemonDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  for (const auto& daemon : daemons_) {
    daemon->index = desk.daemons().size();
    desk.daemons().push_back({daemon->spec.command, 0, 0});
    for (const std::string& path : daemon->spec.touch) {
      if (watch_ == nullptr) watch_ = FileWatch::Create(desk.loop());
      daemon->touches.push_back(
          WatchOn(*watch_, desk.predecessor(), kTouchNote, path,
                  [this, it = daemon.get(), path](FileChange) { OnTouched(*it, path); }));
    }
  }
  AdoptPredecessors();
  for (const auto& daemon : daemons_) {
    if (daemon->pid == 0) Start(*daemon);
  }
  return {};
}

void DaemonDuty::Show(const Daemon& daemon) {
  const auto respawns = static_cast<uint64_t>(std::max(daemon.spawns - 1, 0));
  desk_->daemons()[daemon.index] = {daemon.spec.command, daemon.pid, respawns};
}

// --- starting ---

void DaemonDuty::Start(Daemon& daemon) {
  daemon.start_timer = 0;
  if (desk_->is_stopping()) return;
  if (daemon.spec.is_smart() && Find(daemon)) return;
  Log("[uwsgi-daemons] {} \"{}\" (uid: {} gid: {})", daemon.spawns == 0 ? "spawning" : "respawning",
      daemon.spec.command, daemon.spec.uid.value_or(::getuid()),
      daemon.spec.gid.value_or(::getgid()));
  ++daemon.spawns;
  daemon.started_us = MonotonicMicros();
  const Status started = daemon.spec.is_smart() ? SpawnSmart(daemon) : Spawn(daemon);
  Show(daemon);
  if (started) return;
  Log("[uwsgi-daemons] \"{}\": {}", daemon.spec.command, started.error().text());
  OnEnd(daemon);
}

Status DaemonDuty::Spawn(Daemon& daemon) {
  daemon.pid =
      TRY(desk_->RunProgram(ProgramOf(daemon.spec), [this, &daemon](int) { OnEnd(daemon); }));
  return {};
}

Status DaemonDuty::SpawnSmart(Daemon& daemon) {
  if (daemon.spec.daemonize) {
    const pid_t pid = TRY(SpawnDetached(ProgramOf(daemon.spec)));
    if (Status written = WritePid(daemon.spec.pidfile, pid); !written) {
      // Nobody would find it again, and it would be started once more.
      KillStray(pid);
      return written;
    }
    if (!Find(daemon)) LookAgain(daemon);
    return {};
  }
  daemon.starter = TRY(desk_->RunProgram(ProgramOf(daemon.spec), [this, &daemon](int) {
    daemon.starter = 0;
    if (daemon.pid == 0) Find(daemon);
  }));
  LookAgain(daemon);
  return {};
}

// In a while the pidfile should be there; if not, it is tried once more.
void DaemonDuty::LookAgain(Daemon& daemon) {
  daemon.start_timer = desk_->loop().After(daemon.spec.freq_s * kSecond, [this, &daemon] {
    daemon.start_timer = 0;
    if (desk_->is_stopping() || daemon.pid != 0 || Find(daemon)) return;
    daemon.starter != 0 ? LookAgain(daemon) : Start(daemon);
  });
}

bool DaemonDuty::Find(Daemon& daemon) {
  const auto pid = ReadPidfile(daemon.spec.pidfile);
  if (!pid) return false;
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  if (!pidfd.valid() || HasEnded(pidfd.get())) return false;
  auto watch =
      desk_->loop().Watch(pidfd.get(), kReadable, [this, &daemon](uint32_t) { OnEnd(daemon); });
  if (!watch) return false;
  desk_->loop().Cancel(std::exchange(daemon.start_timer, 0));
  daemon.pid = *pid;
  daemon.pidfd = std::move(pidfd);
  daemon.pidfd_watch = *watch;
  Show(daemon);
  return true;
}

void DaemonDuty::StartLater(Daemon& daemon, int64_t pause_s) {
  Log("[uwsgi-daemons] throttling \"{}\" for {} seconds", daemon.spec.command, pause_s);
  daemon.start_timer = desk_->loop().After(pause_s * kSecond, [this, &daemon] { Start(daemon); });
}

// --- ends ---

void DaemonDuty::OnEnd(Daemon& daemon) {
  desk_->loop().Unwatch(std::exchange(daemon.pidfd_watch, 0));
  desk_->loop().Cancel(std::exchange(daemon.kill_timer, 0));
  daemon.pidfd.Reset();
  const pid_t pid = std::exchange(daemon.pid, 0);
  Show(daemon);
  if (desk_->is_stopping()) return desk_->CheckStopped();
  if (std::exchange(daemon.restarting, false)) return Start(daemon);
  if (daemon.spec.control) {
    return desk_->Command(MasterCommand::kStop,
                          fmt::format("[uwsgi-daemons] control daemon \"{}\" (pid: {}) has ended",
                                      daemon.spec.command, pid));
  }
  const bool is_early = MonotonicMicros() - daemon.started_us < kDaemonYoungUs;
  daemon.early_ends = is_early ? daemon.early_ends + 1 : 0;
  if (!is_early) return Start(daemon);
  StartLater(daemon, DaemonPauseAfter(daemon.early_ends, daemon.spec.max_throttle_s));
}

void DaemonDuty::TellToEnd(Daemon& daemon) {
  Log("[uwsgi-daemons] stopping daemon (pid: {}): {}", daemon.pid, daemon.spec.command);
  // A smart one leads no group that we know of.
  ::kill(daemon.spec.is_smart() ? daemon.pid : -daemon.pid, daemon.spec.stop_signal);
  if (daemon.kill_timer == 0) {
    daemon.kill_timer = desk_->loop().After(mercy_us_, [this, &daemon] { Kill(daemon); });
  }
}

void DaemonDuty::Kill(Daemon& daemon) {
  daemon.kill_timer = 0;
  if (daemon.pid == 0) return;
  Log("[uwsgi-daemons] daemon did not die in time, killing (pid: {}): {}", daemon.pid,
      daemon.spec.command);
  ::kill(daemon.spec.is_smart() ? daemon.pid : -daemon.pid, SIGKILL);
}

void DaemonDuty::OnTouched(Daemon& daemon, const std::string& path) {
  // One that is being replaced will see the file as it is now.
  if (desk_->is_stopping() || daemon.pid == 0 || daemon.restarting) return;
  LogDated("*** {} has been touched... reloading daemon \"{}\" (pid: {}) !!! ***", path,
           daemon.spec.command, daemon.pid);
  if (daemon.spec.reload_signal != 0) {
    ::kill(daemon.pid, daemon.spec.reload_signal);
    return;
  }
  daemon.restarting = true;
  TellToEnd(daemon);
}

void DaemonDuty::OnStopping() {
  for (const auto& daemon : daemons_) {
    desk_->loop().Cancel(std::exchange(daemon->start_timer, 0));
    daemon->restarting = false;
  }
}

// Requests that were still running may have needed them until now.
void DaemonDuty::OnChildrenGone() {
  for (const auto& daemon : daemons_) {
    if (daemon->pid != 0 && !daemon->spec.is_smart()) TellToEnd(*daemon);
  }
}

bool DaemonDuty::IsDone() const {
  return std::ranges::all_of(
      daemons_, [](const auto& daemon) { return daemon->pid == 0 || daemon->spec.is_smart(); });
}

// --- reloads ---

void DaemonDuty::LeaveNotes(HandOver& state) {
  for (const auto& daemon : daemons_) {
    for (size_t i = 0; i < daemon->touches.size(); ++i) {
      state.notes.push_back(
          FileNote(kTouchNote, watch_->StateOf(daemon->touches[i]), daemon->spec.touch[i]));
    }
    if (daemon->pid == 0 || daemon->spec.is_smart()) continue;
    const bool stays = daemon->spec.reload_signal != 0;
    if (stays) ::kill(daemon->pid, daemon->spec.reload_signal);
    state.notes.push_back(
        {std::string(kNote), EncodeOldDaemon({daemon->pid, stays, daemon->spec.command})});
  }
}

// compat: a reload restarts them. The process of before is told to end, and the new one is started
// when it has: the two may want the same port.
void DaemonDuty::AdoptPredecessors() {
  if (desk_->predecessor() == nullptr) return;
  for (const Note& note : desk_->predecessor()->notes) {
    if (note.name != kNote) continue;
    const auto old = DecodeOldDaemon(note.text);
    if (old) AdoptOrEnd(*old);
  }
}

void DaemonDuty::AdoptOrEnd(const OldDaemon& old) {
  const auto heir = std::ranges::find_if(daemons_, [&](const auto& daemon) {
    return !daemon->spec.is_smart() && daemon->pid == 0 && daemon->spec.command == old.command;
  });
  if (heir != daemons_.end()) {
    Adopt(**heir, old.pid);
    if (old.stays) return;
    (*heir)->restarting = true;
    return TellToEnd(**heir);
  }
  // Nobody wants it any more.
  Log("[uwsgi-daemons] stopping daemon (pid: {}): {}", old.pid, old.command);
  ::kill(-old.pid, SIGTERM);
  const TimerId timer = desk_->loop().After(mercy_us_, [pid = old.pid] { ::kill(-pid, SIGKILL); });
  desk_->AdoptProgram(old.pid, [this, timer](int) { desk_->loop().Cancel(timer); });
}

void DaemonDuty::Adopt(Daemon& daemon, pid_t pid) {
  daemon.pid = pid;
  daemon.started_us = MonotonicMicros() - kDaemonYoungUs;
  desk_->AdoptProgram(pid, [this, &daemon](int) { OnEnd(daemon); });
  Show(daemon);
}

void DaemonDuty::LeaveInChild() {
  for (const auto& daemon : daemons_) daemon->pidfd.Reset();
  if (watch_ == nullptr) return;
  watch_->LeaveInChild();
  // Taking it apart would take it from the loop that the parent has.
  static_cast<void>(watch_.release());
}

}  // namespace uwsgi
