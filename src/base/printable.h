// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace uwsgi {

// Text of others for one line of the log or a terminal: each control character becomes \x and two
// hexadecimal digits.
std::string Printable(std::string_view text);
void AppendPrintable(std::string& to, std::string_view text);

}  // namespace uwsgi
