// SPDX-License-Identifier: Apache-2.0
#include "wire/target.h"

#include <algorithm>
#include <cstring>

#include "base/scan.h"

namespace uwsgi {
namespace {

// True when the path holds an escape or a segment that begins with a dot.
bool NeedsWork(ByteView path) {
  const char* const end = path.data() + path.size();
  for (const char* at = path.data(); (at = FindEither(at, end, '%', '.')) != end; ++at) {
    if (*at == '%' || (at != path.data() && at[-1] == '/')) return true;
  }
  return false;
}

// Copies the path with its dot segments folded; returns the size of the result.
size_t FoldDotSegments(ByteView path, char* out) {
  size_t size = 0;
  while (!path.empty()) {
    const size_t next =
        std::min(path.find('/', 1), path.size());  // where the segment behind this slash ends
    const ByteView segment = path.substr(0, next);
    const bool last = next == path.size();
    path.remove_prefix(next);
    if (segment == "/.") {
      if (last) out[size++] = '/';
    } else if (segment == "/..") {
      const bool climbs = size > 0;
      size = std::max(ByteView(out, size).rfind('/') + 1, size_t{1}) - 1;
      if (last && climbs) out[size++] = '/';
    } else {
      segment.copy(out + size, segment.size());
      size += segment.size();
    }
  }
  return size;
}

// Decodes in place, once.
std::optional<size_t> DecodeEscapes(char* text, size_t size) {
  size_t to = 0;
  for (size_t from = 0; from < size; ++from) {
    char byte = text[from];
    if (byte == '%') {
      if (size - from < 3 || !IsByte(text[from + 1], kHexByte) || !IsByte(text[from + 2], kHexByte))
        return std::nullopt;
      byte = static_cast<char>(HexValue(text[from + 1]) << 4 | HexValue(text[from + 2]));
      if (byte == '\0') return std::nullopt;
      from += 2;
    }
    text[to++] = byte;
  }
  return to;
}

}  // namespace

std::optional<ByteView> DecodePath(ByteView path, char* out) {
  if (!NeedsWork(path)) return path;
  const auto size = DecodeEscapes(out, FoldDotSegments(path, out));
  if (!size) return std::nullopt;
  return ByteView(out, *size);
}

}  // namespace uwsgi
