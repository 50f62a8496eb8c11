// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace uwsgi {

// The door to zlib: the bytes as one member of a gzip file; members may follow each other.
std::string GzipBytes(std::string_view bytes);
// The same in the zlib format (RFC 1950).
std::string ZlibBytes(std::string_view bytes);

}  // namespace uwsgi
