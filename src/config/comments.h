// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace uwsgi {

// The value without a trailing ` // text`, ` ; text` or ` # text`: a blank or tab stands before the
// mark. A mark in front of everything, with a blank behind it, leaves nothing.
std::string_view WithoutComment(std::string_view value);

// Whether free text looks as if its writer meant part of it as a comment: a mark between blanks.
bool LooksCommented(std::string_view value);

}  // namespace uwsgi
