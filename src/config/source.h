// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// The place a configuration text comes from, and which of its sections is meant.
struct SourceName {
  std::string source;   // "site.ini", "-", "fd://3"; empty in ":section"
  std::string section;  // empty means the default one
};

// "site.ini:app" apart. In a source with `://` the colon counts only behind the last slash.
SourceName SplitSection(std::string_view name);

// Whether the name is a path of the file system: not standard input and no URL.
bool IsFilePath(std::string_view source);

// The whole text of a file, of `-` (standard input) or of `fd://N`.
Result<std::string> ReadSource(const std::string& source);

}  // namespace uwsgi
