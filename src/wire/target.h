// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/bytes.h"

namespace uwsgi {

// PATH_INFO of an undecoded path: dot segments are folded first, then escapes are decoded, once. So
// `%2e%2e` never climbs here, but may stand in the result: whoever opens files must look again.
// nullopt for a bad escape or an encoded NUL: 400.
//
// `out` has room for path.size() bytes. Where nothing is to be folded or decoded the result is
// `path` itself. compat: a path that climbs above the root in its last segment ("/..") becomes
// empty, as the predecessor has it.
std::optional<ByteView> DecodePath(ByteView path, char* out);

}  // namespace uwsgi
