// SPDX-License-Identifier: Apache-2.0
#include "top/picture.h"

namespace uwsgi::top {

bool Picture::NewLine() {
  full_ = lines_.size() >= height_;
  if (full_) return false;
  lines_.emplace_back();
  column_ = 0;
  return true;
}

void Picture::Add(std::string_view text, Style style) {
  if (full_) return;
  std::string clipped = Clip(text, width_ - column_, charset_);
  column_ += WidthOf(clipped);
  if (!clipped.empty()) lines_.back().push_back({std::move(clipped), style});
}

void Picture::AddLine(std::string_view text, Style style) {
  if (NewLine()) Add(text, style);
}

void Picture::FillLine(Style style) { Add(std::string(width_ - column_, ' '), style); }

void Picture::LeaveAtBottom(size_t lines) {
  while (room() > lines) NewLine();
}

std::string Picture::text() const {
  std::string text;
  for (const Line& line : lines_) {
    for (const Span& span : line) text += span.text;
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

}  // namespace uwsgi::top
