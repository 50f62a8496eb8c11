// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace uwsgi {

// The server log (reference 12 section 1): whole lines on descriptor 2, one write each, so that
// lines of several processes never tear. A plain line has no date unless `log-date` asks for one; a
// dated line always has one.

// How lines are stamped. Set once before the first fork.
struct LogStyle {
  bool stamp_plain_lines = false;  // log-date
  std::string stamp_format;        // strftime; empty means "Sun Nov 22 06:26:29 2026"
  bool json = false;               // log-json: each line is an object that has its time; no stamps
};
void SetLogStyle(LogStyle style);
const LogStyle& log_style();

// The stamp of now with " - " behind it, in the style's format.
std::string LogStamp();

// Where whole lines go; tests take them in. The default writes to descriptor 2, and loses lines
// rather than wait for long (log_output.h). Returns the sink that was there, of server lines.
using LogSink = void (*)(std::string_view line_with_newline);
LogSink SetLogSink(LogSink sink);
// The same with a sink of its own for request lines.
void SetLogSinks(LogSink server, LogSink requests);

// Writes one line; the newline is added here. Safe to call from every thread.
void LogLine(std::string_view line);
void LogDatedLine(std::string_view line);
// Whole lines as they are, newlines included, no stamp.
void LogRaw(std::string_view bytes);
// The same for lines about requests (a batch of them).
void LogRequestLines(std::string_view bytes);

template <typename... Args>
void Log(fmt::format_string<Args...> format, Args&&... args) {
  LogLine(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void LogDated(fmt::format_string<Args...> format, Args&&... args) {
  LogDatedLine(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace uwsgi
