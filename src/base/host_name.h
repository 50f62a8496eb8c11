// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace uwsgi {

// The machine's name as the kernel knows it (gethostname(2)), "localhost" when it has none.
std::string HostName();

}  // namespace uwsgi
