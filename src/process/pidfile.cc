// SPDX-License-Identifier: Apache-2.0
#include "process/pidfile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "process/messages.h"

namespace uwsgi {

Result<pid_t> ParsePid(std::string_view text) {
  const auto number = ParseInt(Trim(text));
  if (!number || *number <= 1 || *number > std::numeric_limits<pid_t>::max()) {
    return Fail("no process id (a whole number above 1) in it");
  }
  return static_cast<pid_t>(*number);
}

Result<pid_t> ReadPidfile(const std::string& path) {
  const std::string text = TRY(ReadFile(path));
  auto pid = ParsePid(text);
  if (!pid) return WithContext("pidfile " + path, pid.error());
  if (::kill(*pid, 0) != 0 && errno == ESRCH) {
    return Fail("pidfile {}: there is no process {}, the server is not running", path, *pid);
  }
  return pid;
}

Status WritePidfile(const std::string& path) {
  LogLine(message::Pidfile(path));
  const std::string text = std::to_string(::getpid()) + "\n";
  // In place, not beside and renamed: the file may be one that we may write in a directory that we
  // may not.
  const UniqueFd fd = TRY(OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  struct stat there {};
  if (::fstat(fd.get(), &there) == 0 && S_ISREG(there.st_mode) && there.st_uid == ::geteuid()) {
    // compat: the mode does not depend on the umask, which daemonize may have made 0.
    ::fchmod(fd.get(), 0644);
  }
  return WriteAll(fd.get(), text);
}

bool RemovePidfile(const std::string& path, pid_t pid) {
  const auto text = ReadFile(path);
  if (!text) return false;
  const auto written = ParsePid(*text);
  return written && *written == pid && ::unlink(path.c_str()) == 0;
}

void GiveBackPidfile(const std::string& path, pid_t former) {
  const auto written = ReadPidfile(path);
  if (!written || *written != ::getpid()) return;
  if (former == 0 || (::kill(former, 0) != 0 && errno == ESRCH)) {
    RemovePidfile(path, ::getpid());
    return;
  }
  const auto fd = OpenFile(path, O_WRONLY | O_TRUNC);
  if (!fd || !WriteAll(fd->get(), std::to_string(former) + "\n")) return;
  Log("pidfile {} names process {} again, which was there before", path, former);
}

Status SignalPidfile(const std::string& path, int signal, int value) {
  const pid_t pid = TRY(ReadPidfile(path));
  sigval said{};
  said.sival_int = value;
  if ((value == 0 ? ::kill(pid, signal) : ::sigqueue(pid, signal, said)) != 0)
    return ErrnoError("signal process " + std::to_string(pid) + " of pidfile " + path, errno);
  return {};
}

}  // namespace uwsgi
