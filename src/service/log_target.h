// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/event_loop.h"
#include "service/log_spec.h"

namespace uwsgi {

// Where messages end: a file, a socket, a server. It never waits: what it cannot pass on at once
// it keeps, up to a limit, and tries again; beyond the limit messages are lost and counted. For
// the process that writes the log, on its only thread; the loop must outlive it.
class LogTarget {
 public:
  static constexpr size_t kQueueLimit = size_t{1} << 20;

  LogTarget(EventLoop& loop, std::string name) : loop_(loop), name_(std::move(name)) {}
  LogTarget(const LogTarget&) = delete;
  LogTarget& operator=(const LogTarget&) = delete;
  virtual ~LogTarget() { StopWaiting(); }

  void Put(std::string message);
  // Passes on what can be passed on now.
  void Flush();
  // Once a second: tries again what has failed.
  virtual void Tick() { Flush(); }
  // Of files: the file is renamed and a new one begun; the file is opened again by its name.
  virtual void Rotate() {}
  virtual void Reopen() {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_empty() const { return queue_.empty(); }
  // Messages lost since it was asked last.
  uint64_t TakeLost() { return std::exchange(lost_, 0); }
  [[nodiscard]] uint64_t lost() const { return lost_; }
  // Nothing waits any more: what does counts as lost.
  void GiveUp();

 protected:
  enum class Outcome : uint8_t { kDone, kWait, kLater };
  // Passes on messages from the front of the queue, by Shift(). kWait: `waiting_fd()` has no room;
  // kLater: nothing can be done before the next tick.
  virtual Outcome Write() = 0;
  [[nodiscard]] virtual int waiting_fd() const = 0;
  // How a message looks in the queue.
  virtual std::string Frame(std::string message) { return message; }

  // Messages from the front together: at least one, no more than `limit` bytes otherwise.
  [[nodiscard]] std::string Gather(size_t limit) const;
  [[nodiscard]] std::string_view front() const {
    return std::string_view(queue_.front()).substr(front_done_);
  }
  // So many bytes of the front have been passed on.
  void Shift(size_t bytes);
  void DropFront();
  void RestartFront() { queued_bytes_ += std::exchange(front_done_, 0); }
  void StopWaiting();
  [[nodiscard]] EventLoop& loop() { return loop_; }

 private:
  void WaitForRoom();

  EventLoop& loop_;
  std::string name_;
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0;
  size_t front_done_ = 0;
  uint64_t lost_ = 0;
  WatchId watch_ = 0;
};

// How a target says something of its own in its log: the line as a message, encoded.
using LogAnnouncer = std::function<std::string(std::string_view line)>;
// Starts a command; what is written to the descriptor is its standard input.
using LogCommandStarter = std::function<Result<UniqueFd>(const std::string& command)>;

Result<std::unique_ptr<LogTarget>> OpenLogTarget(const LoggerSpec& spec, EventLoop& loop,
                                                 LogAnnouncer announce,
                                                 const LogCommandStarter& start_command);

}  // namespace uwsgi
