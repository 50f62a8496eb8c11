// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "service/log_target.h"

namespace uwsgi {

// A message, a datagram: to UDP or a UNIX socket, plain or in the way of syslog.
class LogDatagramTarget final : public LogTarget {
 public:
  LogDatagramTarget(EventLoop& loop, LoggerSpec spec)
      : LogTarget(loop, spec.text), spec_(std::move(spec)) {}

 protected:
  Outcome Write() override;
  [[nodiscard]] int waiting_fd() const override { return socket_.get(); }
  std::string Frame(std::string message) override;

 private:
  Outcome OnError(int error);

  LoggerSpec spec_;
  UniqueFd socket_;  // not valid: to be connected at the next try
};

// A message, a command of a Redis server: `publish CHANNEL`, `rpush LIST` and the like. The server
// may come and go; what it answers is not looked at.
class LogRedisTarget final : public LogTarget {
 public:
  LogRedisTarget(EventLoop& loop, LoggerSpec spec)
      : LogTarget(loop, spec.text), spec_(std::move(spec)) {}
  ~LogRedisTarget() override { Disconnect(); }

 protected:
  Outcome Write() override;
  [[nodiscard]] int waiting_fd() const override { return socket_.get(); }
  std::string Frame(std::string message) override;

 private:
  bool Connect();
  void Disconnect();
  void ReadAnswers();

  LoggerSpec spec_;
  UniqueFd socket_;
  UniqueFd answers_fd_;  // the same socket
  WatchId answers_ = 0;
};

}  // namespace uwsgi
