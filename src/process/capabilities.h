// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// Sets of the kernel's capabilities (capabilities(7)), a bit for each by its number.
struct Capabilities {
  uint64_t permitted = 0;  // and effective
  uint64_t inheritable = 0;
};

// Of this thread.
Capabilities GetCapabilities();
Status SetCapabilities(const Capabilities& wanted);
// Without these from now on.
Status GiveUpCapabilities(uint64_t set);
// What is inheritable survives an exec of a user who is not root when it is ambient, too.
void MakeAmbient(uint64_t set);

// The set that names like "net_bind_service,fowner" stand for. An error names the option.
Result<uint64_t> ParseCapabilities(std::string_view names);

}  // namespace uwsgi
