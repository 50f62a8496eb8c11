// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace uwsgi {

inline constexpr size_t kHttpDateSize = 29;

// Writes kHttpDateSize bytes, e.g. "Sun, 06 Nov 1994 08:49:37 GMT". Years 0 to 9999.
void FormatHttpDate(int64_t unix_seconds, char* out);
std::string FormatHttpDate(int64_t unix_seconds);

// Any of the three forms of RFC 9110 section 5.6.7; nullopt for what is no date. A year of two
// digits lies within the fifty years to come or the past.
std::optional<int64_t> ParseHttpDate(ByteView text, int64_t now);

}  // namespace uwsgi
