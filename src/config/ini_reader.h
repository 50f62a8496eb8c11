// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/reader.h"

namespace uwsgi {

// The pairs of one section of an ini text, in order. Never fails: every text is some configuration.
//   - a line is trimmed; empty lines and lines that begin with `;` or `#` are skipped
//   - `[name]` begins a section, blanks inside the brackets and anything behind them do not count;
//   a section may come twice
//   - `key = value` splits at the first `=`; a line without one is a key with an empty value
//   - no quotes, no escapes, no continuation; trailing comments are left in the value, as only the
//   option's kind tells
//   - a UTF-8 byte order mark in front is skipped
Result<ConfigText> ReadIni(std::string_view text, std::string_view section);

}  // namespace uwsgi
