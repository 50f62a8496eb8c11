// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// One pair of a configuration text, whatever its format.
struct ConfigEntry {
  std::string key;
  std::string value;
  int line = 0;

  bool operator==(const ConfigEntry&) const = default;
};

// What one section of a text holds.
struct ConfigText {
  std::vector<ConfigEntry> entries;
  bool section_found = false;
};

// Text to pairs of one section: a pure function, no file is touched.
using ReadConfig = Result<ConfigText> (*)(std::string_view text, std::string_view section);

// A file format.
struct ReaderRow {
  std::string_view label;       // "INI", for messages
  std::string_view option;      // canonical name of the option that reads such a file
  std::string_view extensions;  // words, with their dot
  ReadConfig read;              // null when this release cannot read the format
};

const ReaderRow* FindReaderByOption(std::string_view canonical_name);
// By the extension of a file name; null when it says nothing.
const ReaderRow* FindReaderForFile(std::string_view file_name);

}  // namespace uwsgi
