// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// Text without the blanks (space, tab, CR, LF) at both ends.
std::string_view Trim(std::string_view text);
// The parts between separators, empty ones included: Split("a,,b", ',') is {"a", "", "b"}.
std::vector<std::string_view> Split(std::string_view text, char separator);
// The words between runs of blanks.
std::vector<std::string_view> SplitWords(std::string_view text);
bool StartsWith(std::string_view text, std::string_view prefix);
bool EndsWith(std::string_view text, std::string_view suffix);
// ASCII only: no locale ever changes what a protocol means.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);
inline char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
inline char ToUpper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }
std::string ReplaceAll(std::string_view text, std::string_view what, std::string_view with);

// A decimal number of digits only, nothing in front or behind; nullopt otherwise and when it does
// not fit.
std::optional<int64_t> ParseInt(std::string_view text);
// The number of a user or a group; nullopt for the highest too, which means "unchanged" to the
// system calls.
std::optional<uint32_t> ParseId(std::string_view text);

}  // namespace uwsgi
