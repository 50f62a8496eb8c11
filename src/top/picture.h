// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "top/format.h"

namespace uwsgi::top {

// How a piece of text looks. The screen maps these to what the terminal can do.
enum class Style : uint8_t {
  kPlain,
  kStrong,
  kFaint,
  kTitle,   // the line of column titles
  kBusy,    // green
  kCheap,   // magenta
  kSignal,  // yellow
  kPause,   // blue
  kAlert,   // red
  kChosen,  // the line of a menu the keys act on
};
inline constexpr int kStyleCount = 10;

struct Span {
  std::string text;
  Style style;
};
using Line = std::vector<Span>;

// What is on the screen: at most `height` lines of at most `width` columns, made of nothing a
// terminal would take for a command.
class Picture {
 public:
  Picture(size_t width, size_t height, Charset charset)
      : width_(width), height_(height), charset_(charset) {}

  // Begins the next line; false, and nothing is drawn, when the picture is full.
  bool NewLine();
  // Appends to the newest line what fits of the text.
  void Add(std::string_view text, Style style = Style::kPlain);
  // A line of its own.
  void AddLine(std::string_view text, Style style = Style::kPlain);
  // The same look up to the right edge.
  void FillLine(Style style);
  // Empty lines until only `lines` are left.
  void LeaveAtBottom(size_t lines);

  [[nodiscard]] size_t width() const { return width_; }
  [[nodiscard]] size_t room() const { return height_ - lines_.size(); }
  [[nodiscard]] Charset charset() const { return charset_; }
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
  // Without styles, for tests.
  [[nodiscard]] std::string text() const;

 private:
  size_t width_, height_;
  Charset charset_;
  bool full_ = true;   // nothing may be added
  size_t column_ = 0;  // in the newest line
  std::vector<Line> lines_;
};

}  // namespace uwsgi::top
