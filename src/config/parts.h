// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace uwsgi {

// Whether `plugin = NAME` asks for something that this server has built in (or will not miss).
bool IsBuiltInPart(std::string_view name);

}  // namespace uwsgi
