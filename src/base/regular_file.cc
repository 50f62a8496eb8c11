// SPDX-License-Identifier: Apache-2.0
#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"

namespace uwsgi {

Result<UniqueFd> OpenRegularFile(const std::string& path) {
  UniqueFd fd = TRY(OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return ErrnoError("stat " + path, errno);
  if (!S_ISREG(facts.st_mode)) return Fail("{} is no regular file", path);
  return fd;
}

Result<std::string> ReadRegularFile(const std::string& path) {
  const UniqueFd fd = TRY(OpenRegularFile(path));
  auto bytes = ReadAll(fd.get());
  if (!bytes) return WithContext(path, bytes.error());
  return bytes;
}

}  // namespace uwsgi
