// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace uwsgi {

// The release of the predecessor whose options, formats and messages are kept, and our own mark
// behind it.
inline constexpr int kVersionMajor = 2;
inline constexpr int kVersionMinor = 0;
inline constexpr int kVersionPatch = 31;
inline constexpr std::string_view kVersionSuffix = "next";
inline constexpr std::string_view kVersion = "2.0.31-next";

}  // namespace uwsgi
