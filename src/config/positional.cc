// SPDX-License-Identifier: Apache-2.0
#include "config/positional.h"

#include <algorithm>

#include "base/strings.h"
#include "config/reader.h"
#include "config/source.h"

namespace uwsgi {
namespace {

using Kind = PositionalMeaning::Kind;

bool IsPythonFile(std::string_view name) {
  return name.ends_with(".py") || name.ends_with(".wsgi");
}

bool IsIdentifier(std::string_view word) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !word.empty() && !is_digit(word.front()) &&
         std::all_of(word.begin(), word.end(), [&](char c) { return is_letter(c) || is_digit(c); });
}

bool IsDottedName(std::string_view name) {
  const std::vector<std::string_view> parts = Split(name, '.');
  return std::all_of(parts.begin(), parts.end(), IsIdentifier);
}

// `name`, `name.attribute`, or a factory call `name(...)`.
bool IsCallableName(std::string_view name) {
  const size_t call = name.find('(');
  return IsDottedName(name.substr(0, call)) &&
         (call == std::string_view::npos || name.ends_with(')'));
}

}  // namespace

PositionalMeaning MeaningOfPositional(std::string_view word) {
  if (word.starts_with('[')) return {Kind::kNothing, {}};
  if (FindReaderForFile(SplitSection(word).source) != nullptr) return {Kind::kConfigFile, {}};
  if (IsPythonFile(word)) return {Kind::kOptions, {{"wsgi-file", std::string(word)}}};
  const size_t colon = word.find(':');
  if (colon == std::string_view::npos) return {Kind::kUnknown, {}};
  const std::string_view place = word.substr(0, colon);
  const std::string_view name = word.substr(colon + 1);
  if (!IsCallableName(name)) return {Kind::kUnknown, {}};
  if (IsPythonFile(place)) {
    return {Kind::kOptions, {{"wsgi-file", std::string(place)}, {"callable", std::string(name)}}};
  }
  if (IsDottedName(place)) return {Kind::kOptions, {{"module", std::string(word)}}};
  return {Kind::kUnknown, {}};
}

}  // namespace uwsgi
