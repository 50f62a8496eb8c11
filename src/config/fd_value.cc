// SPDX-License-Identifier: Apache-2.0
#include "config/fd_value.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostFd = 1 << 20;
constexpr int64_t kMostBytes = 65536;

}  // namespace

Result<FdValue> ParseFdValue(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const auto fd = ParseInt(text.substr(0, colon));
  const auto bytes =
      colon == text.size() ? std::optional<int64_t>(1) : ParseInt(text.substr(colon + 1));
  if (!fd || *fd < 0 || *fd > kMostFd) return Fail("FD or FD:BYTES is expected");
  if (!bytes || *bytes < 1 || *bytes > kMostBytes)
    return Fail("the number of bytes to read must be between 1 and {}", kMostBytes);
  if (::fcntl(static_cast<int>(*fd), F_GETFD) < 0) return Fail("there is no such descriptor");
  return FdValue{static_cast<int>(*fd), static_cast<size_t>(*bytes)};
}

}  // namespace uwsgi
