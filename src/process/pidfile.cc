// SPDX-License-Identifier: Apache-2.0
#include "process/pidfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

constexpr int kLooks = 1000;
constexpr useconds_t kLookAgainUs = 10'000;

// Whether a signal of this number has been sent to the process and not yet been taken.
bool IsPending(pid_t pid, int signal) {
  constexpr std::string_view kLine = "\nShdPnd:\t";
  const auto status = ReadFile(fmt::format("/proc/{}/status", pid));
  const size_t line = status ? status->find(kLine) : std::string::npos;
  if (line == std::string::npos) return false;
  const uint64_t set = std::strtoull(status->c_str() + line + kLine.size(), nullptr, 16);
  return (set >> (signal - 1) & 1) != 0;
}

// While one waits to be taken, another of its kind would be lost with the value that it carries.
void AwaitTaken(pid_t pid, int signal) {
  for (int look = 0; look < kLooks && IsPending(pid, signal); ++look) ::usleep(kLookAgainUs);
}

}  // namespace

Result<pid_t> ParsePid(std::string_view text) {
  const auto number = ParseInt(Trim(text));
  if (!number || *number <= 1 || *number > std::numeric_limits<pid_t>::max()) {
    return Fail("no process id (a whole number above 1) in it");
  }
  return static_cast<pid_t>(*number);
}

Result<pid_t> ReadPidfile(const std::string& path) {
  const std::string text = TRY(ReadRegularFile(path));
  auto pid = ParsePid(text);
  if (!pid) return WithContext("pidfile " + path, pid.error());
  if (!ProcessExists(*pid)) {
    return Fail("pidfile {}: there is no process {}, the server is not running", path, *pid);
  }
  return pid;
}

Status WritePidfile(const std::string& path) {
  LogLine(message::Pidfile(path));
  const std::string text = std::to_string(::getpid()) + "\n";
  // In place, not beside and renamed: the file may be one that we may write in a directory that we
  // may not.
  // Nor is a FIFO waited for that somebody has put there.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY;
  const UniqueFd fd = TRY(OpenFile(path, kFlags, 0644));
  struct stat there {};
  if (::fstat(fd.get(), &there) == 0 && S_ISREG(there.st_mode) && there.st_uid == ::geteuid()) {
    // compat: the mode does not depend on the umask, which daemonize may have made 0.
    ::fchmod(fd.get(), 0644);
  }
  return WriteAll(fd.get(), text);
}

bool RemovePidfile(const std::string& path, pid_t pid) {
  const auto text = ReadRegularFile(path);
  if (!text) return false;
  const auto written = ParsePid(*text);
  return written && *written == pid && ::unlink(path.c_str()) == 0;
}

void GiveBackPidfile(const std::string& path, pid_t former) {
  const auto written = ReadPidfile(path);
  if (!written || *written != ::getpid()) return;
  if (former == 0 || !ProcessExists(former)) {
    RemovePidfile(path, ::getpid());
    return;
  }
  const auto fd = OpenFile(path, O_WRONLY | O_TRUNC);
  if (!fd || !WriteAll(fd->get(), std::to_string(former) + "\n")) return;
  Log("pidfile {} names process {} again, which was there before", path, former);
}

Status SignalPidfile(const std::string& path, int signal, int value) {
  const pid_t pid = TRY(ReadPidfile(path));
  if (value != 0) AwaitTaken(pid, signal);
  sigval said{};
  said.sival_int = value;
  if ((value == 0 ? ::kill(pid, signal) : ::sigqueue(pid, signal, said)) != 0)
    return ErrnoError("signal process " + std::to_string(pid) + " of pidfile " + path, errno);
  return {};
}

}  // namespace uwsgi
