// SPDX-License-Identifier: Apache-2.0
#include "service/log_target.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "service/log_file_target.h"
#include "service/log_socket_target.h"

namespace uwsgi {

void LogTarget::Put(std::string message) {
  std::string framed = Frame(std::move(message));
  if (framed.empty()) return;
  if (queued_bytes_ + framed.size() > kQueueLimit) {
    ++lost_;
    return;
  }
  queued_bytes_ += framed.size();
  queue_.push_back(std::move(framed));
}

void LogTarget::Flush() {
  if (queue_.empty() || watch_ != 0) return;
  if (Write() == Outcome::kWait) WaitForRoom();
}

std::string LogTarget::Gather(size_t limit) const {
  std::string bytes(front());
  for (size_t i = 1; i < queue_.size() && bytes.size() + queue_[i].size() <= limit; ++i) {
    bytes.append(queue_[i]);
  }
  return bytes;
}

void LogTarget::Shift(size_t bytes) {
  queued_bytes_ -= bytes;
  while (bytes > 0) {
    const size_t left = queue_.front().size() - front_done_;
    if (bytes < left) {
      front_done_ += bytes;
      return;
    }
    bytes -= left;
    front_done_ = 0;
    queue_.pop_front();
  }
}

void LogTarget::DropFront() {
  ++lost_;
  Shift(queue_.front().size() - front_done_);
}

void LogTarget::GiveUp() {
  while (!queue_.empty()) DropFront();
}

void LogTarget::WaitForRoom() {
  auto watch = loop_.Watch(waiting_fd(), kWritable, [this](uint32_t) {
    StopWaiting();
    Flush();
  });
  // What cannot be watched is tried again at the next tick.
  if (watch) watch_ = *watch;
}

void LogTarget::StopWaiting() { loop_.Unwatch(std::exchange(watch_, 0)); }

namespace {

using Target = std::unique_ptr<LogTarget>;

// A copy, so that closing it closes nothing of others.
Result<Target> OpenFd(EventLoop& loop, const std::string& name, int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.valid()) return ErrnoError(fmt::format("logger {}: descriptor {}", name, fd), errno);
  return Target(std::make_unique<LogFdTarget>(loop, name, std::move(copy)));
}

}  // namespace

Result<Target> OpenLogTarget(const LoggerSpec& spec, EventLoop& loop, LogAnnouncer announce,
                             const LogCommandStarter& start_command) {
  switch (spec.kind) {
    case LoggerKind::kFile:
      return LogFileTarget::Open(loop, spec.text,
                                 {.path = spec.path,
                                  .max_size = spec.max_size,
                                  .backup_name = spec.backup_name,
                                  .mode = spec.mode},
                                 UniqueFd(), std::move(announce));
    case LoggerKind::kFd:
      return OpenFd(loop, spec.text, spec.fd);
    case LoggerKind::kStdio:
      return OpenFd(loop, spec.text, STDOUT_FILENO);
    case LoggerKind::kSocket:
    case LoggerKind::kSyslog:
    case LoggerKind::kRsyslog:
      return Target(std::make_unique<LogDatagramTarget>(loop, spec));
    case LoggerKind::kRedis:
      return Target(std::make_unique<LogRedisTarget>(loop, spec));
    case LoggerKind::kPipe:
      return Target(std::make_unique<LogPipeTarget>(
          loop, spec.text, TRY(start_command(spec.command)),
          [start_command, command = spec.command] { return start_command(command); }));
  }
  return Fail("logger {}: not known", spec.text);
}

}  // namespace uwsgi
