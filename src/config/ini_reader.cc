// SPDX-License-Identifier: Apache-2.0
#include "config/ini_reader.h"

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view SectionName(std::string_view header) {
  header.remove_prefix(1);
  return Trim(header.substr(0, header.find(']')));
}

ConfigEntry ParseLine(std::string_view line, int number) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {std::string(line), "", number};
  return {std::string(Trim(line.substr(0, equals))), std::string(Trim(line.substr(equals + 1))),
          number};
}

}  // namespace

Result<ConfigText> ReadIni(std::string_view text, std::string_view section) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  ConfigText read;
  bool in_section = false;
  int number = 0;
  for (std::string_view raw : Split(text, '\n')) {
    ++number;
    const std::string_view line = Trim(raw);
    if (line.empty() || line.front() == ';' || line.front() == '#') continue;
    if (line.front() == '[') {
      in_section = SectionName(line) == section;
      read.section_found = read.section_found || in_section;
    } else if (in_section) {
      read.entries.push_back(ParseLine(line, number));
    }
  }
  return read;
}

}  // namespace uwsgi
