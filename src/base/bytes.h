// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace uwsgi {

// Bytes owned by somebody else. Text and binary data are the same thing here: nothing is ever
// assumed to be UTF-8.
using ByteView = std::string_view;

// Little-endian numbers of the uwsgi protocol. The caller has checked that the bytes are there.
inline uint16_t ReadLe16(const char* at) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  return static_cast<uint16_t>(bytes[0] | (bytes[1] << 8));
}

inline void AppendLe16(std::string& to, uint16_t value) {
  to.push_back(static_cast<char>(value & 0xff));
  to.push_back(static_cast<char>(value >> 8));
}

}  // namespace uwsgi
