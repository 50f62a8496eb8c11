// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace uwsgi {

// The page for browsers, made of dashboard.html by the build.
std::string_view DashboardPage();

}  // namespace uwsgi
