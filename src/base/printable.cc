// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <fmt/format.h>

#include <iterator>

namespace uwsgi {

std::string Printable(std::string_view text) {
  std::string printable;
  AppendPrintable(printable, text);
  return printable;
}

void AppendPrintable(std::string& to, std::string_view text) {
  size_t start = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    to.append(text.substr(start, at - start));
    fmt::format_to(std::back_inserter(to), "\\x{:02x}", byte);
    start = at + 1;
  }
  to.append(text.substr(start));
}

}  // namespace uwsgi
