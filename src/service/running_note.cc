// SPDX-License-Identifier: Apache-2.0
#include "service/running_note.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/strings.h"
#include "service/spool_name.h"

namespace uwsgi {
namespace {

// The note: one byte, then the task's path, filled up with zeros.
constexpr char kIdle = '-';
constexpr char kRuns = 'R';
constexpr char kForgiven = 'S';
constexpr size_t kNoteSize = 1 + 2 * 256;

std::string FolderOf(const SpoolDir& dir) {
  return fmt::format("{}/{}", dir.path(), kRunningFolder);
}

std::vector<std::string> NotesOf(const SpoolDir& dir) {
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator at(FolderOf(dir), error), end; !error && at != end;
       at.increment(error)) {
    if (IsTaskName(at->path().filename().string(), false)) paths.push_back(at->path().string());
  }
  return paths;
}

UniqueFd OpenNote(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

// The task that the note says was running; empty for none.
std::string TaskOf(int fd) {
  std::array<char, kNoteSize + 1> note{};
  const ssize_t got = ::pread(fd, note.data(), kNoteSize, 0);
  return got > 1 && note[0] == kRuns ? std::string(note.data() + 1) : std::string();
}

// What its first byte says.
void Mark(int fd, char state) {
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, &state, 1, 0);
}

}  // namespace

Result<RunningNote> RunningNote::Create(const SpoolDir& dir) {
  const std::string folder = FolderOf(dir);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoError("create " + folder, errno);
  // Under its last name only when it is locked: without a lock it would be a dead process's.
  const std::string name = NextSpoolName();
  const std::string unlocked = fmt::format("{}/{}{}", folder, kUnfinishedPrefix, name);
  std::string path = folder + "/" + name;
  UniqueFd fd = TRY(OpenFile(unlocked, O_RDWR | O_CREAT | O_EXCL, 0600));
  const auto locked = LockWhole(fd.get());
  if (!locked || ::rename(unlocked.c_str(), path.c_str()) != 0) {
    const int error = locked ? errno : locked.error().error_number;
    ::unlink(unlocked.c_str());
    return ErrnoError("create " + path, error);
  }
  return RunningNote(std::move(fd), std::move(path));
}

// What cannot be written costs a count of deaths, and no task.
void RunningNote::Begin(std::string_view task) const {
  std::array<char, kNoteSize> note{};
  note[0] = kRuns;
  std::memcpy(note.data() + 1, task.data(), std::min(task.size(), note.size() - 2));
  [[maybe_unused]] const ssize_t written = ::pwrite(fd_.get(), note.data(), note.size(), 0);
}

void RunningNote::End() const { Mark(fd_.get(), kIdle); }

void RunningNote::ForgiveDeath() const { Mark(fd_.get(), kForgiven); }

void RunningNote::Remove() const { ::unlink(path_.c_str()); }

std::vector<std::string> RunningNote::Running(const SpoolDir& dir) {
  std::vector<std::string> tasks;
  for (const std::string& path : NotesOf(dir)) {
    const UniqueFd fd = OpenNote(path);
    if (!fd.valid()) continue;
    const bool is_dead = LockWhole(fd.get()).value_or(false);
    std::string task = TaskOf(fd.get());
    if (!task.empty() && ::access((dir.path() + "/" + task).c_str(), F_OK) == 0) {
      tasks.push_back(std::move(task));
    } else if (is_dead) {
      ::unlink(path.c_str());
    }
  }
  return tasks;
}

int RunningNote::TakeDeaths(const SpoolDir& dir, std::string_view task) {
  int deaths = 0;
  for (const std::string& path : NotesOf(dir)) {
    const UniqueFd fd = OpenNote(path);
    if (!fd.valid() || TaskOf(fd.get()) != task) continue;
    Mark(fd.get(), kIdle);
    ++deaths;
  }
  return deaths;
}

std::vector<pid_t> RunningNote::Living(const SpoolDir& dir) {
  std::vector<pid_t> pids;
  for (const std::string& path : NotesOf(dir)) {
    const pid_t pid = ProducerOf(std::filesystem::path(path).filename().string());
    if (pid > 0 && IsSpoolFileLocked(path)) pids.push_back(pid);
  }
  return pids;
}

}  // namespace uwsgi
