// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

namespace uwsgi {

// For ProcessControl::SetUserHarakiri: what is left of the request may take as long as it likes,
// whatever the limit for all requests is.
inline constexpr int kNoHarakiri = std::numeric_limits<int>::max();

}  // namespace uwsgi
