// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// A descriptor that the server was started with and watches.
struct FdValue {
  int fd = -1;
  size_t bytes = 1;  // read from it each time
};

// "FD" or "FD:BYTES" as options give it. An error says what is wrong, for the one who knows the
// option's name.
Result<FdValue> ParseFdValue(std::string_view text);

}  // namespace uwsgi
