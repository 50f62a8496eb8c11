// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace uwsgi {
namespace {

LogStyle& style() {
  static LogStyle the_style;
  return the_style;
}

// A log whose disk is full or whose reader stalls may lose lines, but must not stop the server for
// long.
void WriteToStderr(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd waiting{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&waiting, 1, 100) <= 0) return;
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

LogSink the_sink = WriteToStderr;

}  // namespace

void SetLogStyle(LogStyle new_style) { style() = std::move(new_style); }

LogSink SetLogSink(LogSink sink) { return std::exchange(the_sink, sink); }

std::string LogStamp() {
  const time_t now = ::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  char text[128];
  const char* const format =
      style().stamp_format.empty() ? "%a %b %e %H:%M:%S %Y" : style().stamp_format.c_str();
  const size_t size = std::strftime(text, sizeof text, format, &local);
  return std::string(text, size) + " - ";
}

void LogLine(std::string_view line) {
  std::string out = style().stamp_plain_lines ? LogStamp() : std::string();
  out.append(line).push_back('\n');
  the_sink(out);
}

void LogDatedLine(std::string_view line) {
  std::string out = LogStamp();
  out.append(line).push_back('\n');
  the_sink(out);
}

void LogRaw(std::string_view bytes) {
  if (!bytes.empty()) the_sink(bytes);
}

}  // namespace uwsgi
