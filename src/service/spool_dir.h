// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "service/spool_file.h"
#include "service/spool_task.h"

namespace uwsgi {

// How often a task was begun and did not get done.
struct SpoolAttempts {
  int64_t attempts = 0;  // failed, asked to be run again, or died
  int64_t deaths = 0;    // of these: the process ended while it ran
};

using SpoolPaths = std::unordered_set<std::string>;

// What a look into the directory finds.
struct SpoolScan {
  std::vector<std::string> due;  // paths, in the order in which they shall run
  int64_t later = 0;             // tasks with a time to come
  int64_t next_us = 0;           // the earliest of these times, 0 when there is none
  int64_t oldest_s = 0;          // when the oldest due task was made, 0 when there is none
  SpoolPaths put_off;            // the paths of the tasks of `later`
};

// A directory that is a queue of tasks (docs/formats/spool-file.md). All processes of an instance,
// other instances and other servers may use it at the same time; nothing is kept in memory.
// Callable from any thread.
class SpoolDir {
 public:
  explicit SpoolDir(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return path_; }

  // The directory is there, made when it was not (one level). `owner` and `group` get a new one; -1
  // changes nothing.
  Status Prepare(uid_t owner, gid_t group) const;
  // This process can work with it.
  Status CheckUsable() const;

  // Adds a task; its path. When this returns the task survives the end of any process, and with
  // `durable` a power cut; before, nobody runs it. `spare` is a number of Recycle() whose file is
  // written over, and which nobody else uses before this returns: file systems find a new file
  // slowly when many have just been removed.
  Result<std::string> Enqueue(const SpoolTask& task, const SpoolPlacement& placement, bool durable,
                              std::optional<uint64_t> spare = std::nullopt) const;
  // The task is done: its file goes, and stays as an empty one under a number for the next task.
  // Not every file can: false when nothing has been done. The number may be used when `file` is
  // closed.
  [[nodiscard]] bool Recycle(const SpoolFile& file, uint64_t spare) const;

  // `numbers`: file names of digits only are tasks too.
  // Tasks that are running are among those that are due.
  Result<SpoolScan> Scan(bool numbers, int64_t now_us) const;
  // The same by the names alone, which is much faster: only the files of `put_off` are looked at,
  // others are taken to be due. Who claims one sees whether it is.
  Result<SpoolScan> ScanNames(bool numbers, int64_t now_us, const SpoolPaths& put_off) const;

  // Moves a task, or what should be one, into failed/, with `reason` in a file beside. The new
  // path.
  Result<std::string> SetAside(const SpoolFile& file, std::string_view reason) const;
  // Brings a task of failed/ back, as if it had never been tried. The new path.
  Result<std::string> Restore(std::string_view name) const;
  // Deletes a task of failed/ and what is beside it.
  Status Purge(std::string_view name) const;
  // The names of the tasks in failed/, oldest first.
  Result<std::vector<std::string>> Failed() const;
  // When something was put into failed/ or taken out, microseconds since 1970; 0: never.
  [[nodiscard]] int64_t FailedChanged() const;
  // What was written when it was set aside; empty when nothing was.
  [[nodiscard]] std::string ReasonOf(std::string_view name) const;

  [[nodiscard]] SpoolAttempts AttemptsOf(std::string_view name) const;
  Status NoteAttempts(std::string_view name, const SpoolAttempts& attempts) const;
  void ForgetAttempts(std::string_view name) const;
  // Nothing is noted of any task.
  [[nodiscard]] bool HasNoAttempts() const;

  // Removes what producers left that ended in the middle of Enqueue; how many there were.
  int RemoveUnfinished(int64_t now_us) const;
  // Whether spare files are worth their trouble: not where files are made from memory.
  [[nodiscard]] bool SparesPay() const;

 private:
  // The path of something in the directory.
  [[nodiscard]] std::string Inside(std::string_view name) const;
  [[nodiscard]] std::string SparePath(uint64_t spare) const;
  // A task's file while it is written, and where it lies until then.
  struct Unfinished {
    UniqueFd fd;
    std::string path;
  };
  Result<SpoolScan> ScanAll(bool numbers, int64_t now_us, const SpoolPaths* put_off) const;
  static UniqueFd OpenSpare(const std::string& path);
  Result<Unfinished> OpenUnfinished(const std::string& path, std::optional<uint64_t> spare) const;
  static Status WriteAtOnce(const std::string& path, const std::string& bytes);
  Result<std::string> FolderOf(const SpoolPlacement& placement, bool durable) const;

  std::string path_;
};

}  // namespace uwsgi
