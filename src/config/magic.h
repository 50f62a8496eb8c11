// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace uwsgi {

// The letters behind `%` in the text of a configuration file (reference 10, section 7.1).
using MagicTable = std::map<char, std::string>;

// What does not depend on a file: %v %V %h %k %u %U %g %G %t %T %b %[ , all of this process.
MagicTable ProcessMagic(std::string_view program);

// The facts of one file: %o %p %s %n %e %d %c %0-%9 %x %i %j. A source that is no path has only %o.
MagicTable FileMagic(const std::string& source, const std::string& section);

// The same facts under their capital letters, for the first file that is not included by another
// one: %O %P %S %N %E %D %C %X %I %J.
MagicTable CapitalMagic(const MagicTable& file_magic);

// The text with each `%x` replaced, nothing for a letter that has no meaning. `%%` is one `%`;
// `%(`, a `%` before the end of a line and a `%` at the end of the text stay.
std::string ExpandMagic(std::string_view text, const MagicTable& magic);

}  // namespace uwsgi
