// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace uwsgi {

// One character at the front of a text.
struct Utf8Char {
  char32_t code = 0;
  size_t size = 0;  // bytes; 0: these bytes are no UTF-8 (or there are none)
};

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
Utf8Char DecodeUtf8(std::string_view text);

// The same text with every byte that belongs to no character replaced by U+FFFD.
std::string ValidUtf8(std::string_view text);

}  // namespace uwsgi
