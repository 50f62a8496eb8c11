// SPDX-License-Identifier: Apache-2.0
#include "service/log_file_target.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/file.h"
#include "base/log.h"

namespace uwsgi {
namespace {

constexpr size_t kMostAtOnce = size_t{64} * 1024;
// Written to a pipe as one or not at all.
constexpr size_t kMostInAPipe = 4096;

bool IsFifo(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISFIFO(facts.st_mode);
}

}  // namespace

Result<UniqueFd> OpenLogFileForAppending(const std::string& path, int mode) {
  // Opened for reading too, a FIFO neither waits for a reader nor minds when there is none.
  const int flags = IsFifo(path) ? O_RDWR | O_NONBLOCK : O_WRONLY | O_CREAT | O_APPEND;
  UniqueFd file = TRY(OpenFile(path, flags | O_NOCTTY, 0640));
  if (mode >= 0 && ::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) {
    return ErrnoError("logfile-chmod " + path, errno);
  }
  return file;
}

// A full disk, too, may have room at the next tick.
LogTarget::Outcome LogFdTarget::Write() {
  while (!is_empty()) {
    const std::string bytes = Gather(kind_ == LogFdKind::kFile ? kMostAtOnce : kMostInAPipe);
    const ssize_t written = TryLogWrite(fd_.get(), kind_, bytes);
    if (written > 0) {
      Shift(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      return Outcome::kWait;
    } else if (written == 0 || errno != EINTR) {
      return Outcome::kLater;
    }
  }
  return Outcome::kDone;
}

void LogFdTarget::Become(UniqueFd fd) {
  StopWaiting();
  fd_ = std::move(fd);
  kind_ = LogFdKindOf(fd_.get());
}

void LogPipeTarget::Tick() {
  pollfd input{fd(), 0, 0};
  const bool has_reader = ::poll(&input, 1, 0) <= 0 || (input.revents & POLLERR) == 0;
  if (!has_reader) {
    if (auto next = start_(); next) {
      Become(std::move(*next));
      // Of a line that the former one got a part of, this one gets all.
      RestartFront();
    }
  }
  Flush();
}

Result<std::unique_ptr<LogTarget>> LogFileTarget::Open(EventLoop& loop, std::string name,
                                                       LogFileTargetSpec spec,
                                                       UniqueFd open_already,
                                                       LogAnnouncer announce) {
  if (!open_already.valid()) open_already = TRY(OpenLogFileForAppending(spec.path, spec.mode));
  return std::unique_ptr<LogTarget>(std::make_unique<LogFileTarget>(
      loop, std::move(name), std::move(spec), std::move(open_already), std::move(announce)));
}

void LogFileTarget::Tick() {
  Flush();
  if (spec_.max_size > 0 && Size() >= spec_.max_size) Rotate();
}

// 0 for what is no regular file.
int64_t LogFileTarget::Size() const {
  struct stat facts {};
  return ::fstat(fd(), &facts) == 0 && S_ISREG(facts.st_mode) ? facts.st_size : 0;
}

std::string LogFileTarget::BackupName() const {
  if (!spec_.backup_name.empty()) return spec_.backup_name;
  return UnusedPath(fmt::format("{}.{}", spec_.path, ::time(nullptr)));
}

void LogFileTarget::Announce(std::string_view line) {
  Put(announce_(line));
  Flush();
}

void LogFileTarget::Rotate() {
  const std::string backup = BackupName();
  Announce(fmt::format("{}logsize: {}, triggering rotation to {}...", LogStamp(), Size(), backup));
  // Not there: an earlier try has renamed it and could not open the new one.
  const bool is_away = ::access(spec_.path.c_str(), F_OK) != 0 && errno == ENOENT;
  if (!is_away && ::rename(spec_.path.c_str(), backup.c_str()) != 0) {
    return Announce(fmt::format("*** WARNING: the log cannot be renamed to {}: {} ***", backup,
                                ErrnoError("rename()", errno).value().text()));
  }
  auto file = OpenLogFileForAppending(spec_.path, spec_.mode);
  if (!file) {
    return Announce(
        fmt::format("*** WARNING: the log goes on in {}: {} ***", backup, file.error().text()));
  }
  Become(std::move(*file));
}

void LogFileTarget::Reopen() {
  Announce(fmt::format("[{}] logsize: {}, triggering log-reopen...", ::time(nullptr), Size()));
  auto file = OpenLogFileForAppending(spec_.path, spec_.mode);
  if (!file) {
    return Announce(
        fmt::format("*** WARNING: the log cannot be opened again: {} ***", file.error().text()));
  }
  Become(std::move(*file));
  Announce(fmt::format("[{}] {} reopened.", ::time(nullptr), spec_.path));
}

}  // namespace uwsgi
