// SPDX-License-Identifier: Apache-2.0
#include "cli/spool_commands.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "base/printable.h"
#include "base/strings.h"
#include "service/running_note.h"
#include "service/spool_dir.h"
#include "service/spool_name.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

// What an argument names: a directory, and maybe one task in it, which may be set aside.
struct Target {
  SpoolDir directory;
  std::string task;  // name of the file; empty: all
  std::string path;  // of the task
  bool is_failed = false;
};

Result<Target> FindTarget(const std::string& argument) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(argument, error);
  if (error) return Fail("{}: {}", argument, error.message());
  if (std::filesystem::is_directory(path, error))
    return Target{SpoolDir(path.string()), "", "", false};
  const std::filesystem::path folder = path.parent_path();
  const bool is_failed = folder.filename() == kFailedFolder;
  return Target{SpoolDir((is_failed ? folder.parent_path() : folder).string()),
                path.filename().string(), path.string(), is_failed};
}

Status Print(const std::string& text) { return WriteAll(STDOUT_FILENO, text); }

// Seconds since 1970 as local time.
std::string TimeText(int64_t seconds) {
  const time_t time = seconds;
  tm parts{};
  char text[32] = "";
  ::localtime_r(&time, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string FunctionOf(const std::string& path) {
  const auto bytes = ReadFile(path);
  const auto task = bytes ? DecodeSpoolTask(*bytes) : Result<SpoolTask>(Fail("unreadable"));
  if (!task) return "(no task)";
  return std::string(task->Find("ud_spool_func").value_or("-"));
}

std::string Row(std::string_view state, int64_t attempts, const std::string& path, int64_t time_s) {
  struct stat facts {};
  ::stat(path.c_str(), &facts);
  return fmt::format("{:<8} {:>8} {:>9}  {}  {:<20} {}\n", state, attempts, facts.st_size,
                     TimeText(time_s), Printable(FunctionOf(path)), Printable(path));
}

std::string WaitingRow(const SpoolDir& directory, const std::string& path) {
  struct stat facts {};
  ::stat(path.c_str(), &facts);
  const int64_t attempts =
      directory.AttemptsOf(std::filesystem::path(path).filename().string()).attempts;
  if (IsSpoolFileLocked(path)) return Row("running", attempts, path, facts.st_mtim.tv_sec);
  if (facts.st_mtim.tv_sec * kSecond <= WallMicros())
    return Row("waiting", attempts, path, facts.st_mtim.tv_sec);
  return Row(attempts > 0 ? "again" : "later", attempts, path, facts.st_mtim.tv_sec);
}

// The last line of a traceback says what it was.
std::string LastLine(const std::string& text) {
  std::string last;
  for (const std::string_view line : Split(text, '\n')) {
    if (!Trim(line).empty()) last = line;
  }
  return last;
}

Status List(const Target& target) {
  const SpoolDir& directory = target.directory;
  const auto found = TRY(directory.Scan(true, INT64_MAX));
  std::string text = fmt::format("{:<8} {:>8} {:>9}  {:<19}  {:<20} {}\n", "STATE", "ATTEMPTS",
                                 "BYTES", "SINCE, OR DUE", "FUNCTION", "TASK");
  for (const std::string& path : found.due) {
    if (target.path.empty() || target.path == path) text += WaitingRow(directory, path);
  }
  for (const std::string& name : TRY(directory.Failed())) {
    const std::string path = fmt::format("{}/{}/{}", directory.path(), kFailedFolder, name);
    if (!target.path.empty() && target.path != path) continue;
    struct stat facts {};
    ::stat(path.c_str(), &facts);
    text += Row("failed", 0, path, facts.st_ctim.tv_sec);
    text += fmt::format("         {}\n", Printable(LastLine(directory.ReasonOf(name))));
  }
  return Print(text);
}

Status MakeDue(const std::string& path) {
  const auto file = TRY(SpoolFile::Claim(path, INT64_MAX));
  if (!file) return {};  // it runs, or has run
  TRY_STATUS(file->PutOff(WallMicros()));
  return Print(Printable(path) + " is due\n");
}

Status Retry(const Target& target) {
  const SpoolDir& directory = target.directory;
  std::vector<std::string> failed, put_off;
  if (target.task.empty()) {
    failed = TRY(directory.Failed());
    // A task with a time of its own keeps it.
    for (const std::string& path : TRY(directory.Scan(true, INT64_MAX)).due) {
      const std::string name = std::filesystem::path(path).filename().string();
      if (directory.AttemptsOf(name).attempts > 0) put_off.push_back(path);
    }
  } else if (target.is_failed) {
    failed.push_back(target.task);
  } else {
    put_off.push_back(target.path);
  }
  for (const std::string& name : failed)
    TRY_STATUS(Print(Printable(TRY(directory.Restore(name))) + " is back\n"));
  for (const std::string& path : put_off) TRY_STATUS(MakeDue(path));
  for (const pid_t pid : RunningNote::Living(directory)) ::kill(pid, SIGUSR1);
  return {};
}

Status Purge(const Target& target) {
  const SpoolDir& directory = target.directory;
  if (!target.task.empty() && !target.is_failed)
    return Fail("{} was not set aside: only tasks in {}/ are deleted", target.path, kFailedFolder);
  const std::vector<std::string> names =
      target.task.empty() ? TRY(directory.Failed()) : std::vector<std::string>{target.task};
  for (const std::string& name : names) {
    TRY_STATUS(directory.Purge(name));
    TRY_STATUS(Print(Printable(name) + " is deleted\n"));
  }
  return {};
}

struct Command {
  std::string_view option;
  std::string Options::*argument;
  Status (*run)(const Target&);
};

constexpr Command kCommands[] = {
    {"--spooler-list", &Options::spooler_list, List},
    {"--spooler-retry", &Options::spooler_retry, Retry},
    {"--spooler-purge", &Options::spooler_purge, Purge},
};

}  // namespace

Result<std::optional<int>> RunSpoolCommand(const Options& options) {
  std::optional<int> status;
  for (const Command& command : kCommands) {
    const std::string& argument = options.*command.argument;
    if (argument.empty()) continue;
    const auto target = FindTarget(argument);
    const Status done = target ? command.run(*target) : tl::unexpected(target.error());
    if (!done) return WithContext(command.option, done.error());
    status = 0;
  }
  return status;
}

}  // namespace uwsgi
