// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/function.h"
#include "base/log_output.h"
#include "base/unique_fd.h"
#include "service/log_target.h"

namespace uwsgi {

// A descriptor of whatever kind.
class LogFdTarget : public LogTarget {
 public:
  LogFdTarget(EventLoop& loop, std::string name, UniqueFd fd)
      : LogTarget(loop, std::move(name)), fd_(std::move(fd)), kind_(LogFdKindOf(fd_.get())) {}

 protected:
  Outcome Write() override;
  [[nodiscard]] int waiting_fd() const override { return fd_.get(); }
  void Become(UniqueFd fd);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  LogFdKind kind_;
};

// The input of a command, which is started again when it has ended: once a second at most.
class LogPipeTarget final : public LogFdTarget {
 public:
  LogPipeTarget(EventLoop& loop, std::string name, UniqueFd fd,
                UniqueFunction<Result<UniqueFd>()> start)
      : LogFdTarget(loop, std::move(name), std::move(fd)), start_(std::move(start)) {}

  void Tick() override;

 private:
  UniqueFunction<Result<UniqueFd>()> start_;
};

struct LogFileTargetSpec {
  std::string path;         // absolute
  int64_t max_size = 0;     // 0: it is not rotated by its size
  std::string backup_name;  // empty: the path with the time behind it
  int mode = -1;            // -1: 0640 of a new file
};

// A file with a name. It is opened for appending, and may be rotated and opened again.
class LogFileTarget final : public LogFdTarget {
 public:
  // `open_already` is used instead of opening the path when it is valid.
  static Result<std::unique_ptr<LogTarget>> Open(EventLoop& loop, std::string name,
                                                 LogFileTargetSpec spec, UniqueFd open_already,
                                                 LogAnnouncer announce);
  LogFileTarget(EventLoop& loop, std::string name, LogFileTargetSpec spec, UniqueFd file,
                LogAnnouncer announce)
      : LogFdTarget(loop, std::move(name), std::move(file)),
        spec_(std::move(spec)),
        announce_(std::move(announce)) {}

  void Tick() override;
  void Rotate() override;
  void Reopen() override;

 private:
  [[nodiscard]] int64_t Size() const;
  [[nodiscard]] std::string BackupName() const;
  void Announce(std::string_view line);

  LogFileTargetSpec spec_;
  LogAnnouncer announce_;
};

// Opens a log file for appending. A new one has mode 0640, or `mode`. A FIFO is opened without
// waiting for its reader.
Result<UniqueFd> OpenLogFileForAppending(const std::string& path, int mode);

}  // namespace uwsgi
