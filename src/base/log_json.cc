// SPDX-License-Identifier: Apache-2.0
#include "base/log_json.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <iterator>

#include "base/clock.h"
#include "base/json.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

LogOrigin& origin() {
  static LogOrigin the_origin;
  return the_origin;
}

struct LevelRow {
  std::string_view text;  // anywhere in the line
  std::string_view level;
};

// The first that fits counts.
constexpr LevelRow kLevels[] = {
    {"*** backtrace of", "critical"},
    {"GAME OVER", "critical"},
    {"respawning too fast", "critical"},
    {"DAMN !", "error"},
    {"HARAKIRI", "error"},
    {"NO MERCY", "error"},
    {"Traceback (most recent call last)", "error"},
    {"no python application found", "error"},
    {"unable to ", "error"},
    {"cannot ", "error"},
    {"ERROR", "error"},
    {"Address already in use", "error"},
    {"the reload has been given up", "error"},
    {"WARNING", "warning"},
    {"listen queue of socket", "warning"},
    {"lines were lost", "warning"},
    {"line was lost", "warning"},
    {"uwsgi_response_", "warning"},
    {"without effect", "warning"},
    {"no app loaded", "warning"},
};

}  // namespace

void SetLogOrigin(LogOrigin new_origin) { origin() = std::move(new_origin); }

void AppendJsonLogHead(std::string& out, const LogOrigin& from, int64_t wall_us,
                       std::string_view level) {
  const auto seconds = static_cast<time_t>(wall_us / 1'000'000);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  fmt::format_to(std::back_inserter(out),
                 R"({{"time":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z","level":"{}","process":)",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, wall_us % 1'000'000, level);
  AppendJsonString(out, from.process);
  fmt::format_to(std::back_inserter(out), R"(,"worker":{},"pid":{})", from.worker, from.pid);
}

void AppendJsonLogLine(std::string& out, const LogOrigin& from, int64_t wall_us,
                       std::string_view level, std::string_view message) {
  AppendJsonLogHead(out, from, wall_us, level);
  out.append(R"(,"message":)");
  AppendJsonString(out, message);
  out.push_back('}');
}

std::string_view LogLevelOf(std::string_view line) {
  for (const LevelRow& row : kLevels) {
    if (line.find(row.text) != std::string_view::npos) return row.level;
  }
  return "info";
}

std::string JsonLogLines(std::string_view lines) {
  LogOrigin from = origin();
  from.pid = ::getpid();
  const int64_t now = WallMicros();
  if (EndsWith(lines, "\n")) lines.remove_suffix(1);
  std::string out;
  for (const std::string_view line : Split(lines, '\n')) {
    AppendJsonLogLine(out, from, now, LogLevelOf(line), line);
    out.push_back('\n');
  }
  return out;
}

}  // namespace uwsgi
