// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/address.h"
#include "service/log_encoder.h"

namespace uwsgi {

enum class LoggerKind : uint8_t { kFile, kFd, kStdio, kSocket, kSyslog, kRsyslog, kRedis, kPipe };

// One logger (logger, req-logger), read and checked.
struct LoggerSpec {
  std::string id;  // empty: it gets every line that no route takes
  LoggerKind kind = LoggerKind::kFile;
  std::string text;  // as it was configured, for messages
  // kFile
  std::string path;  // absolute
  int64_t max_size = 0;
  std::string backup_name;
  int mode = -1;
  // kFd
  int fd = -1;
  // kSocket, kSyslog, kRsyslog, kRedis
  SocketAddress address;
  // kSyslog, kRsyslog: what stands between the priority and the message, without the time
  int priority = 0;
  std::string tag;
  // kRedis: the words of the command, and what stands in front of each message
  std::vector<std::string> words;
  std::string prefix;
  // kPipe
  std::string command;
};

struct LogRouteSpec {
  std::string logger;
  std::string pattern;  // compiles
};

struct LogStreamSpec {
  std::vector<LoggerSpec> loggers;
  std::vector<LogEncoder> encoders;
  std::vector<LogRouteSpec> routes;
};

// Where lines of the log go and in which shape.
struct LogSpec {
  // A process of its own writes the log; all others hand it their lines and their descriptors 1
  // and 2.
  bool captured = false;
  bool json = false;
  LogStreamSpec server;
  LogStreamSpec requests;            // without loggers of their own, requests are server lines
  std::vector<std::string> drains;   // patterns
  std::vector<std::string> filters;  // patterns
  // The file of logto or daemonize.
  int64_t max_size = 0;
  std::string backup_name;
  bool reopen = false;  // at a reload by name, instead of keeping what is open
  size_t line_limit = 65536;
};

}  // namespace uwsgi
