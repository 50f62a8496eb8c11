// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/comments.h"
#include "config/ini_reader.h"

// Any bytes are some ini text: lines come in order, nothing keeps blanks at its ends, no value
// reaches over its line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const uwsgi::Result<uwsgi::ConfigText> read = uwsgi::ReadIni(text, "uwsgi");
  if (!read) std::abort();
  if (!read->section_found && !read->entries.empty()) std::abort();
  int last_line = 0;
  for (const uwsgi::ConfigEntry& entry : read->entries) {
    if (entry.line <= last_line) std::abort();
    last_line = entry.line;
    for (const std::string_view part :
         {std::string_view(entry.key), std::string_view(entry.value)}) {
      if (part.find('\n') != std::string_view::npos) std::abort();
      if (!part.empty() && (part.front() == ' ' || part.back() == ' ' || part.back() == '\r'))
        std::abort();
      if (uwsgi::WithoutComment(part).size() > part.size()) std::abort();
    }
  }
  return 0;
}
