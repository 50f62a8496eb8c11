// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace uwsgi::top {

// What the terminal can show.
enum class Charset : uint8_t { kAscii, kUtf8 };

// Numbers as the monitor shows them.
std::string HumanSize(int64_t bytes);           // 512, 1.5K, 2.0M, 3.1G
std::string HumanRunTime(int64_t micros);       // milliseconds; from 9,999,999 ms on minutes with m
std::string HumanRate(double per_second);       // 0, 0.5, 12, 1234
std::string HumanAge(int64_t seconds);          // 7s, 3m07s, 2h05m, 9d04h
std::string HumanClock(int64_t epoch_seconds);  // local HH:MM:SS, --:--:-- for 0
std::string HumanDate(int64_t epoch_seconds);   // local, as ctime()

// The last `width` points as bars between 0 and the largest of them.
std::string Sparkline(const std::deque<double>& course, size_t width, Charset charset);

// Text of strangers as it may go to a terminal: no control characters, nothing the terminal cannot
// show, at most `width` columns.
std::string Clip(std::string_view text, size_t width, Charset charset);
// How many columns a text takes that Clip() made.
size_t WidthOf(std::string_view text);

}  // namespace uwsgi::top
