// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/option_table.h"

namespace uwsgi {

// Why the server must not start with this setting, which it knows and does not serve; empty when it
// may start without its effect. It must not when it would be less confined, would answer what a
// rule keeps closed (a rule that asks for a password or ends requests with a status 4xx), or would
// have no application.
std::string_view WhyRefused(const OptionRow& row, std::string_view value);

}  // namespace uwsgi
