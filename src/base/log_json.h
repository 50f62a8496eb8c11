// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace uwsgi {

// Log lines as JSON objects (log-json): one object per line, every one with the members time,
// level, process, worker and pid in front; whatever bytes a line is made of, the object is valid.

// Who says something.
struct LogOrigin {
  std::string process = "uwsgi";  // master, worker, "mule 1" ...
  int worker = 0;                 // id of the worker, 0 for others
  pid_t pid = 0;
};
// The origin of lines that this process writes as JSON by itself.
void SetLogOrigin(LogOrigin origin);

// `{"time":"2026-11-22T06:26:29.123456Z","level":"info","process":"worker","worker":1,"pid":7`, to
// be continued with members and `}`.
void AppendJsonLogHead(std::string& out, const LogOrigin& origin, int64_t wall_us,
                       std::string_view level);
// The object of a line of text, without newline.
void AppendJsonLogLine(std::string& out, const LogOrigin& origin, int64_t wall_us,
                       std::string_view level, std::string_view message);

// How bad it is what a line of the server log says: info, warning, error or critical.
std::string_view LogLevelOf(std::string_view line);

// Each of these lines as an object, said now by this process.
std::string JsonLogLines(std::string_view lines);

}  // namespace uwsgi
