// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace uwsgi {

// Calls a function of another server. Empty: it is not reachable, knows no such function, or had
// nothing to say. Waits.
std::optional<std::string> CallRemote(ByteView address, ByteView name,
                                      const std::vector<ByteView>& args);

}  // namespace uwsgi
