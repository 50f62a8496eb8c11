// SPDX-License-Identifier: Apache-2.0
#include "process/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <tuple>

#include "base/file.h"
#include "base/log.h"
#include "base/log_output.h"
#include "service/log_file_target.h"

namespace uwsgi {

namespace {

// The file that descriptors 1 and 2 are; absolute, empty for none.
std::string& the_path() {
  static std::string path;
  return path;
}
// logfile-chmod; negative for none.
int& the_mode() {
  static int mode = -1;
  return mode;
}
std::atomic<uint32_t> seen_openings{0};

Status BecomeOutput(int fd, const std::string& path) {
  for (const int standard : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(fd, standard) < 0) return ErrnoError("log to " + path, errno);
  }
  LogOutputChanged();
  return {};
}

// What cannot be opened is not: the log goes on where it was.
void FollowOpenings() {
  const uint32_t openings = log_counters().openings.load(std::memory_order_relaxed);
  if (seen_openings.exchange(openings, std::memory_order_relaxed) == openings) return;
  const auto file = OpenLogTarget({.path = the_path()});
  if (!file) return;
  // Whoever is not its owner finds that he has done it.
  if (the_mode() >= 0) std::ignore = ::fchmod(file->get(), static_cast<mode_t>(the_mode()));
  [[maybe_unused]] const Status done = BecomeOutput(file->get(), the_path());
}

void FollowAndWriteServerLines(std::string_view lines) {
  FollowOpenings();
  WriteServerLines(lines);
}

void FollowAndWriteRequestLines(std::string_view lines) {
  FollowOpenings();
  WriteRequestLines(lines);
}

int64_t LogSize() {
  struct stat facts {};
  return ::fstat(STDERR_FILENO, &facts) == 0 ? facts.st_size : 0;
}

}  // namespace

const std::string& LogFilePath() { return the_path(); }

Result<UniqueFd> OpenLogTarget(const LogFileSpec& spec) {
  UniqueFd file = TRY(OpenLogFileForAppending(spec.path, spec.mode));
  // Applications do not expect that printing fails because nobody reads.
  if (::fcntl(file.get(), F_SETFL, O_APPEND) != 0) return ErrnoError("fcntl()", errno);
  if (spec.truncate && ::ftruncate(file.get(), 0) != 0 && errno != EINVAL) {
    return ErrnoError("log-truncate " + spec.path, errno);
  }
  return file;
}

Status ProveLogTarget(const std::string& path) {
  if (::access(path.c_str(), W_OK) == 0) return {};
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string where = folder.empty() ? "." : folder.string();
  if (errno == ENOENT && ::access(where.c_str(), W_OK | X_OK) == 0) return {};
  return ErrnoError("open " + path, errno);
}

Status OpenLogFile(const LogFileSpec& spec) {
  const UniqueFd file = TRY(OpenLogTarget(spec));
  TRY_STATUS(BecomeOutput(file.get(), spec.path));
  KeepLogFile(spec.path, spec.mode);
  return {};
}

void KeepLogFile(const std::string& path, int mode) {
  the_mode() = mode;
  the_path() = AbsolutePath(path);
  seen_openings.store(log_counters().openings.load(std::memory_order_relaxed),
                      std::memory_order_relaxed);
  SetLogSinks(FollowAndWriteServerLines, FollowAndWriteRequestLines);
}

void RotateLogFile() {
  if (the_path().empty()) return LogLine("there is no log file that could be rotated");
  const std::string backup = UnusedPath(fmt::format("{}.{}", the_path(), ::time(nullptr)));
  Log("{}logsize: {}, triggering rotation to {}...", LogStamp(), LogSize(), backup);
  if (::rename(the_path().c_str(), backup.c_str()) != 0) {
    return LogLine(ErrnoError("rename " + the_path(), errno).value().text());
  }
  log_counters().openings.fetch_add(1, std::memory_order_relaxed);
  FollowOpenings();
}

void ReopenLogFile() {
  if (the_path().empty()) return LogLine("there is no log file that could be opened again");
  Log("[{}] logsize: {}, triggering log-reopen...", ::time(nullptr), LogSize());
  log_counters().openings.fetch_add(1, std::memory_order_relaxed);
  FollowOpenings();
  Log("[{}] {} reopened.", ::time(nullptr), the_path());
}

Status OwnLogFile(const IdentitySpec& identity) {
  auto uid = static_cast<uid_t>(-1);  // unchanged
  auto gid = static_cast<gid_t>(-1);
  if (!identity.user.empty()) uid = TRY(FindUser(identity.user)).uid;
  if (!identity.group.empty()) gid = TRY(FindGroup(identity.group));
  if (::fchown(STDERR_FILENO, uid, gid) != 0) return ErrnoError("logfile-chown", errno);
  return {};
}

}  // namespace uwsgi
