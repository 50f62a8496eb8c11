// SPDX-License-Identifier: Apache-2.0
#include "config/comments.h"

#include <algorithm>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Length of the comment mark at the beginning of the text, 0 when there is none.
size_t MarkSize(std::string_view text) {
  if (text.starts_with(';') || text.starts_with('#')) return 1;
  return text.starts_with("//") ? 2 : 0;
}

bool IsMarkThenBlank(std::string_view text) {
  const size_t size = MarkSize(text);
  return size > 0 && (text.size() == size || IsBlank(text[size]));
}

}  // namespace

std::string_view WithoutComment(std::string_view value) {
  if (IsMarkThenBlank(value)) return {};
  for (size_t i = 1; i < value.size(); ++i) {
    if (IsBlank(value[i - 1]) && MarkSize(value.substr(i)) > 0) return Trim(value.substr(0, i));
  }
  return value;
}

bool LooksCommented(std::string_view value) {
  for (size_t i = 1; i < value.size(); ++i) {
    if (IsBlank(value[i - 1]) && IsMarkThenBlank(value.substr(i))) return true;
  }
  return false;
}

}  // namespace uwsgi
