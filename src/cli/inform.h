// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/options.h"

namespace uwsgi {

// Does what those options ask for that only want an answer: --help, --version, --dump-options,
// --get, --exit, --stop, --reload, --spooler-list and their like. The exit status when the program
// is to end with that; nothing when the server is to start. --print and
// --show-config answer too, and the start goes on.
Result<std::optional<int>> Inform(const Options& options, const std::string& binary);

}  // namespace uwsgi
