// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace uwsgi {

// The known option that `name` was probably meant to be, empty when none is near: other case or
// underscores, at most two letters wrong, or the beginning of exactly one option. An option this
// release serves is preferred to one it ignores.
std::string_view NearestOption(std::string_view name);

// `, did you mean "vacuum"?` or nothing.
std::string DidYouMean(std::string_view name);

}  // namespace uwsgi
