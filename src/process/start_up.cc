// SPDX-License-Identifier: Apache-2.0
#include "process/start_up.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "process/daemonize.h"
#include "process/log_relay.h"
#include "process/messages.h"
#include "process/pidfile.h"

namespace uwsgi {

Status StartUp::TakeEnvironmentFrom(const std::string& directory) const {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code none;
    if (!entry->is_regular_file(none)) continue;
    const std::string text = TRY(ReadFile(entry->path().string()));
    const std::string line = text.substr(0, text.find('\n'));
    ::setenv(entry->path().filename().c_str(), line.c_str(), /*overwrite=*/1);
  }
  if (error) return Fail("envdir = {}: {}", directory, error.message());
  return {};
}

Status StartUp::SetEnvironment() {
  for (const std::string& directory : spec_.environment_directories)
    TRY_STATUS(TakeEnvironmentFrom(directory));
  for (const std::string& name : spec_.removed_environment) ::unsetenv(name.c_str());
  for (const std::string& variable : spec_.environment) {
    const size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, /*overwrite=*/1);
  }
  return {};
}

Status StartUp::OpenLog() {
  if (spec_.umask >= 0) ::umask(static_cast<mode_t>(spec_.umask));
  // After a reload the log is still open; a trial writes to its master.
  if (kind_ == StartKind::kSuccessor) IsLogOfBefore() ? FindLogAgain() : TakeNewLog();
  if (is_trial() && !IsLogOfBefore()) {
    return Blame(ProveLogTarget(WantedLog().path), WantedLog().path);
  }
  if (kind_ != StartKind::kFirst) return {};
  if (spec_.daemonize) TRY_STATUS(CloseStandardInput());
  if (spec_.log.path.empty() || spec_.daemonize_after_load) return {};
  TRY_STATUS(Blame(OpenLogFile(spec_.log), spec_.log.path));
  if (spec_.log_to_identity) return OwnLogFile(spec_.identity);
  return {};
}

const LogFileSpec& StartUp::WantedLog() const {
  return spec_.log_after_drop.path.empty() ? spec_.log : spec_.log_after_drop;
}

// A configuration that names no file has no better place for the log than where it is.
bool StartUp::IsLogOfBefore() const {
  const std::string& wanted = WantedLog().path;
  if (!order_.state) return true;
  return wanted.empty() || AbsolutePath(wanted) == order_.state->log_file;
}

// The trial has found that the file can be had.
void StartUp::TakeNewLog() const {
  const LogFileSpec& file = WantedLog();
  const Status opened = Blame(OpenLogFile({.path = file.path, .mode = file.mode}), file.path);
  if (!opened) return Log("the log stays where it is: {}", opened.error().text());
  const Status owned = spec_.log_to_identity ? OwnLogFile(spec_.identity) : Status();
  if (!owned) LogLine(owned.error().text());
}

// The user of now may not be allowed to open it; then it stays what it is.
void StartUp::FindLogAgain() const {
  const LogFileSpec& file = WantedLog();
  const std::string path = order_.state && file.path.empty() ? order_.state->log_file : file.path;
  if (path.empty()) return;
  KeepLogFile(path, file.mode);
  if (file.path.empty()) return;
  if (!spec_.log_reopen) return;
  const Status opened = OpenLogFile({.path = file.path, .mode = file.mode});
  if (!opened) Log("log-reopen: {}", opened.error().text());
}

Status StartUp::OpenLateLog() {
  if (kind_ != StartKind::kFirst || !spec_.daemonize_after_load) return {};
  return GoOnIn(spec_.log);
}

Status StartUp::GoOnIn(const LogFileSpec& file) {
  if (log_ == nullptr) return Blame(OpenLogFile(file), file.path);
  const auto opened = OpenLogTarget(file);
  if (!opened) return Blame(tl::unexpected(opened.error()), file.path);
  return log_->SetMain(opened->get(), AbsolutePath(file.path), file.mode);
}

Status StartUp::Blame(Status done, const std::string& path) const {
  if (done) return done;
  const auto named = std::ranges::find(spec_.named_files, path, &NamedFile::path);
  if (named == spec_.named_files.end()) return done;
  Error error = done.error();
  error.message = fmt::format("{} [{} = {}, {}]", error.text(), named->option, path, named->origin);
  error.error_number = 0;
  return tl::unexpected(std::move(error));
}

Status StartUp::WritePid(const std::string& path) {
  if (path.empty() || is_trial()) return {};
  std::string absolute = AbsolutePath(path);
  if (kind_ != StartKind::kFirst) {
    WriteMissing(path);
    pidfiles_.push_back({std::move(absolute)});
    return {};
  }
  const pid_t former = ReadPidfile(path).value_or(0);
  TRY_STATUS(Blame(WritePidfile(path), path));
  pidfiles_.push_back({std::move(absolute), former == ::getpid() ? 0 : former});
  return {};
}

// After a reload: the pid is the same, but the file may be another one, or gone. It is too late for
// an error.
void StartUp::WriteMissing(const std::string& path) const {
  if (ReadPidfile(path).value_or(0) == ::getpid()) return;
  if (const Status written = Blame(WritePidfile(path), path); !written)
    LogLine(written.error().text());
}

Status StartUp::WriteFirstPidfile() { return WritePid(spec_.pidfiles.before_drop); }

Status StartUp::WaitForOthers() {
  if (kind_ != StartKind::kFirst) return {};
  for (const WaitSpec& wait : spec_.waits) TRY_STATUS(WaitFor(wait.kind, wait.name, wait.seconds));
  return {};
}

Status StartUp::PassDropPoint(DropPoint point) {
  if (point == DropPoint::kBeforeBind && !is_trial()) WarnOfRoot(spec_.identity);
  if (point != spec_.identity.drop_point) return {};
  IdentitySpec identity = spec_.identity;
  if (order_.state && !order_.state->jail.empty()) {
    if (identity.jail != order_.state->jail) {
      return Fail("chroot: a reload cannot leave {}; stop the server and start it again",
                  order_.state->jail);
    }
    identity.jail.clear();
  }
  const auto change = [&] { return ChangeIdentity(identity, hooks_); };
  return kind_ == StartKind::kSuccessor ? KeepSignalRight(change) : change();
}

Status StartUp::EnterDirectory() {
  if (kind_ == StartKind::kFirst && !spec_.log_after_drop.path.empty())
    TRY_STATUS(GoOnIn(spec_.log_after_drop));
  if (!spec_.directory.empty()) {
    if (!is_trial()) LogLine(message::Chdir(spec_.directory));
    if (::chdir(spec_.directory.c_str()) != 0)
      return Blame(ErrnoError("chdir " + spec_.directory, errno), spec_.directory);
  }
  TRY_STATUS(WritePid(spec_.pidfiles.after_drop));
  return ApplyLimits(spec_.limits);
}

Status StartUp::WriteSafePidfiles() {
  TRY_STATUS(WritePid(spec_.pidfiles.safe_after_drop));
  return WritePid(spec_.pidfiles.safe_before_drop);
}

void StartUp::RewritePidfiles() const {
  for (const auto& [path, former] : pidfiles_) {
    if (const Status written = WritePidfile(path); !written) LogLine(written.error().text());
  }
}

void StartUp::Undo(const ListenerSet* listeners) {
  for (const auto& [path, former] : pidfiles_) GiveBackPidfile(path, former);
  pidfiles_.clear();
  if (listeners == nullptr) return;
  for (const Listener& listener : listeners->listeners()) {
    if (listener.source() == ListenerSource::kBound) [[maybe_unused]]
      const auto removed = listener.RemoveFile();
  }
}

std::vector<std::string> StartUp::MadeFiles(const ListenerSet& listeners) const {
  std::vector<std::string> paths;
  for (const auto& [path, former] : pidfiles_) {
    if (ReadPidfile(path).value_or(0) == ::getpid()) paths.push_back(path);
  }
  for (const Listener& listener : listeners.listeners()) {
    if (listener.OwnsFile() && listener.source() != ListenerSource::kActivation)
      paths.push_back(listener.path());
  }
  return paths;
}

void StartUp::Vacuum(const ListenerSet& listeners) {
  if (!spec_.vacuum) return;
  for (const auto& [path, former] : pidfiles_) {
    if (RemovePidfile(path, ::getpid())) LogLine(message::Vacuumed("pidfile"));
  }
  for (const Listener& listener : listeners.listeners()) {
    // What the service manager has opened is his.
    if (listener.path().empty() || listener.source() == ListenerSource::kActivation) continue;
    const auto removed = listener.RemoveFile();
    if (removed) {
      LogLine(message::Vacuumed("unix socket " + listener.name()));
    } else {
      Log("VACUUM WARNING: {}", removed.error().text());
    }
  }
}

}  // namespace uwsgi
