// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <ctime>

#include "base/log_output.h"

namespace uwsgi {
namespace {

LogStyle& style() {
  static LogStyle the_style;
  return the_style;
}

LogSink the_sink = WriteServerLines;
LogSink the_request_sink = WriteRequestLines;

}  // namespace

void SetLogStyle(LogStyle new_style) { style() = std::move(new_style); }

const LogStyle& log_style() { return style(); }

LogSink SetLogSink(LogSink sink) {
  the_request_sink = sink == WriteServerLines ? WriteRequestLines : sink;
  return std::exchange(the_sink, sink);
}

void SetLogSinks(LogSink server, LogSink requests) {
  the_sink = server;
  the_request_sink = requests;
}

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
  std::string out = style().stamp_plain_lines && !style().json ? LogStamp() : std::string();
  out.append(line).push_back('\n');
  the_sink(out);
}

void LogDatedLine(std::string_view line) {
  std::string out = style().json ? std::string() : LogStamp();
  out.append(line).push_back('\n');
  the_sink(out);
}

void LogRaw(std::string_view bytes) {
  if (!bytes.empty()) the_sink(bytes);
}

void LogRequestLines(std::string_view bytes) {
  if (!bytes.empty()) the_request_sink(bytes);
}

}  // namespace uwsgi
