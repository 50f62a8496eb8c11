// SPDX-License-Identifier: Apache-2.0
#include "top/format.h"

#include <fmt/format.h>
#include <time.h>
#include <wchar.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace uwsgi::top {

namespace {

struct Unit {
  int64_t size;
  char letter;
};
constexpr Unit kUnits[] = {{1 << 30, 'G'}, {1 << 20, 'M'}, {1 << 10, 'K'}};

constexpr std::array<std::string_view, 8> kBars = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
                                                   "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
                                                   "\xe2\x96\x87", "\xe2\x96\x88"};
constexpr std::array<std::string_view, 8> kAsciiBars = {"_", ".", ",", "-", "=", "+", "*", "#"};

tm LocalTime(int64_t epoch_seconds) {
  const time_t when = static_cast<time_t>(epoch_seconds);
  tm local{};
  ::localtime_r(&when, &local);
  return local;
}

std::string Formatted(const char* format, int64_t epoch_seconds) {
  const tm local = LocalTime(epoch_seconds);
  char text[64];
  return {text, ::strftime(text, sizeof text, format, &local)};
}

// Columns of a character; -1: it must not be sent to a terminal.
int ColumnsOf(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return -1;
  if (code < 0x7f) return 1;
  // Marks that turn the direction of the text would make a line say something else.
  if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069) || code == 0xfeff) {
    return -1;
  }
  return ::wcwidth(static_cast<wchar_t>(code));
}

}  // namespace

std::string HumanSize(int64_t bytes) {
  for (const Unit& unit : kUnits) {
    if (bytes < unit.size) continue;
    return fmt::format("{:.1f}{}", static_cast<double>(bytes) / static_cast<double>(unit.size),
                       unit.letter);
  }
  return fmt::format("{}", bytes);
}

std::string HumanRunTime(int64_t micros) {
  const double millis = static_cast<double>(micros) / 1000;
  if (millis > 9'999'999) return fmt::format("{}m", static_cast<int64_t>(millis / 60'000));
  return millis < 100 ? fmt::format("{:.1f}", millis) : fmt::format("{:.0f}", millis);
}

std::string HumanRate(double per_second) {
  if (per_second > 0 && per_second < 9.95) return fmt::format("{:.1f}", per_second);
  return fmt::format("{:.0f}", per_second);
}

std::string HumanAge(int64_t seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86400, seconds / 3600 % 24);
}

std::string HumanClock(int64_t epoch_seconds) {
  return epoch_seconds == 0 ? "--:--:--" : Formatted("%H:%M:%S", epoch_seconds);
}

std::string HumanDate(int64_t epoch_seconds) {
  return Formatted("%a %b %e %H:%M:%S %Y", epoch_seconds);
}

std::string Sparkline(const std::deque<double>& course, size_t width, Charset charset) {
  const size_t count = std::min(width, course.size());
  const auto begin = course.end() - static_cast<std::ptrdiff_t>(count);
  const double largest = count == 0 ? 0 : *std::max_element(begin, course.end());
  const auto& bars = charset == Charset::kUtf8 ? kBars : kAsciiBars;
  std::string line(width - count, ' ');
  for (auto at = begin; at != course.end(); ++at) {
    // Nothing is the lowest bar, and only nothing is: a little is seen.
    const double share = largest > 0 ? *at / largest : 0;
    const auto level = share <= 0 ? 0 : 1 + static_cast<size_t>(share * 6.0 + 0.5);
    line += bars[std::min(level, bars.size() - 1)];
  }
  return line;
}

std::string Clip(std::string_view text, size_t width, Charset charset) {
  std::string clipped;
  const std::string_view unknown = charset == Charset::kUtf8 ? "\xef\xbf\xbd" : "?";
  size_t used = 0;
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    const size_t size = std::max<size_t>(character.size, 1);
    int columns = character.size == 0 ? -1 : ColumnsOf(character.code);
    if (charset == Charset::kAscii && character.code >= 0x7f) columns = -1;
    const size_t needed = columns < 0 ? 1 : static_cast<size_t>(columns);
    if (used + needed > width) break;
    clipped += columns < 0 ? unknown : text.substr(0, size);
    used += needed;
    text.remove_prefix(size);
  }
  return clipped;
}

size_t WidthOf(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Char character = DecodeUtf8(text);
    const int columns = character.size == 0 ? 1 : ColumnsOf(character.code);
    width += columns < 0 ? 1 : static_cast<size_t>(columns);
    text.remove_prefix(std::max<size_t>(character.size, 1));
  }
  return width;
}

}  // namespace uwsgi::top
