// SPDX-License-Identifier: Apache-2.0
#include "wire/host.h"

#include <algorithm>

#include "base/scan.h"

namespace uwsgi {
namespace {

bool IsPort(ByteView port) {
  unsigned value = 0;
  for (const char digit : port) {
    if (!IsByte(digit, kDigitByte)) return false;
    value = value * 10 + static_cast<unsigned>(digit - '0');
    if (value > 65535) return false;
  }
  return true;
}

// The size of "[...]" at the start, 0 when it is not an address literal.
size_t LiteralSize(ByteView host) {
  const size_t close = host.find(']');
  if (close == ByteView::npos) return 0;
  const ByteView inside = host.substr(1, close - 1);
  const bool plain = std::all_of(inside.begin(), inside.end(), [](char c) {
    return IsByte(c, kHexByte) || c == ':' || c == '.';
  });
  return plain && std::count(inside.begin(), inside.end(), ':') >= 2 ? close + 1 : 0;
}

// The size of the registered name at the start: up to a byte that can't be in one.
size_t NameSize(ByteView host) {
  size_t at = 0;
  while (at < host.size()) {
    if (IsByte(host[at], kHostByte)) {
      ++at;
    } else if (host[at] == '%' && at + 2 < host.size() && IsByte(host[at + 1], kHexByte) &&
               IsByte(host[at + 2], kHexByte)) {
      at += 3;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

bool IsValidHost(ByteView host) {
  if (host.empty()) return false;
  const size_t size = host.front() == '[' ? LiteralSize(host) : NameSize(host);
  if (size == 0) return false;
  if (size == host.size()) return true;
  return host[size] == ':' && IsPort(host.substr(size + 1));
}

}  // namespace uwsgi
