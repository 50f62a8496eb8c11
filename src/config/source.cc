// SPDX-License-Identifier: Apache-2.0
#include "config/source.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/file.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr std::string_view kDescriptor = "fd://";

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

Result<std::string> ReadPath(const std::string& path) {
  // compat: the message that operators and their scripts know.
  const std::unique_ptr<char, Free> resolved(::realpath(path.c_str(), nullptr));
  if (resolved == nullptr) return Fail("realpath() of {} failed: {}", path, std::strerror(errno));
  return ReadFile(path);
}

}  // namespace

SourceName SplitSection(std::string_view name) {
  const size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || name.substr(colon).find('/') != std::string_view::npos) {
    return {std::string(name), ""};
  }
  return {std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
}

bool IsFilePath(std::string_view source) {
  return source != "-" && source.find("://") == std::string_view::npos;
}

Result<std::string> ReadSource(const std::string& source) {
  if (source == "-") return ReadAll(STDIN_FILENO);
  if (source.starts_with(kDescriptor)) {
    const std::optional<int64_t> fd = ParseInt(std::string_view(source).substr(kDescriptor.size()));
    if (!fd || *fd > 1 << 20) return Fail("{} names no descriptor", source);
    return ReadAll(static_cast<int>(*fd));
  }
  if (!IsFilePath(source))
    return Fail("{}: this kind of source is not supported yet by this release", source);
  return ReadPath(source);
}

}  // namespace uwsgi
