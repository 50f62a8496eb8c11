// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "service/spool_task.h"
#include "service/unshared_fd.h"

namespace uwsgi {

// Takes a write lock on the whole of an open file; false when another open file has one, in this
// process or elsewhere. It belongs to the open file and ends when that is closed by all who have
// it.
Result<bool> LockWhole(int fd);

// A task's file that this process has for itself, by a lock on the whole of it that lives as long
// as this object. The lock is one of the open file: it keeps out the POSIX locks of other servers
// and is kept out by them, but is not lost when the task opens and closes its own file. A child
// that the task forks does not hold it.
class SpoolFile {
 public:
  // Takes the task at `path`. Nothing when it is not to be had now: gone, taken by another process,
  // not due before a later time than `now_us` (microseconds since 1970), no regular file. An error
  // when it ought to be there and cannot be opened or locked.
  // `folder`: of the directory where it lies, when that is open, and stays so as long as this
  // object; the way there is not walked again each time.
  static Result<std::optional<SpoolFile>> Claim(const std::string& path, int64_t now_us,
                                                int folder = kNoFolder);
  static constexpr int kNoFolder = -1;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Without the directory.
  [[nodiscard]] std::string_view name() const;
  [[nodiscard]] int64_t size() const { return size_; }
  // Nobody runs it before then, microseconds since 1970.
  [[nodiscard]] int64_t due_us() const { return due_us_; }
  // When it was last changed in any way, microseconds since 1970.
  [[nodiscard]] int64_t changed_us() const { return changed_us_; }

  // Whether somebody may still be about to write the rest: the file is short and was changed only
  // seconds ago, or it is empty and its producer, a process of this host, lives and may have stood
  // still for longer.
  [[nodiscard]] bool IsUnfinished(int64_t now_us) const;
  // Whether nobody will: it is empty, and its producer was a process of this host that is gone.
  [[nodiscard]] bool IsAbandoned() const;
  Result<SpoolTask> Read() const;
  // The file is gone; its task is done.
  Status Remove() const;
  // The same, but it becomes an empty file under another name. Only for a file that nobody else
  // could have a hand in; false when it is none, or when that did not work.
  [[nodiscard]] bool BecomeSpare(const std::string& as) const;
  // Nobody takes it before then: its time of modification is in the future, as with `at`.
  Status PutOff(int64_t until_us) const;

 private:
  SpoolFile(UniqueFd fd, std::string path, int folder, const struct stat& facts);

  UnsharedFd fd_;
  int folder_;
  std::string path_;
  int64_t size_;
  int64_t due_us_;
  int64_t changed_us_;
};

// The task of a file that nobody is running; an error when it cannot be read or is none.
// Looks without a lock of its own.
Result<std::optional<SpoolTask>> PeekSpoolFile(const std::string& path);
// Whether some process has the task, by whichever kind of lock.
bool IsSpoolFileLocked(const std::string& path);

}  // namespace uwsgi
