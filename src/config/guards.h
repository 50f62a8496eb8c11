// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/option_table.h"

namespace uwsgi {

// Whether this setting is a rule for requests that keeps some of them away: it asks for a password,
// or ends the request with a status 4xx. Without it the server would answer what its operator has
// closed.
bool KeepsRequestsAway(const OptionRow& row, std::string_view value);

}  // namespace uwsgi
