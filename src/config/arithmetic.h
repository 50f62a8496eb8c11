// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// The value of a name in an expression, nothing when there is no such name.
using NameLookup = std::function<Result<std::optional<std::string>>(std::string_view name)>;

// The inside of `%(workers * 2 + 1)`: words between blanks, worked off from left to right without
// precedence. A word is a name, a number, or one of + - * / ++ --. Two values in a row are joined
// as text; a division by zero is 0; a name that is not defined is empty; numbers wrap at 64 bits.
Result<std::string> EvaluateExpression(std::string_view expression, const NameLookup& lookup);

}  // namespace uwsgi
