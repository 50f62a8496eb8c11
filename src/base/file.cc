// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace uwsgi {

Result<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.valid()) return ErrnoError("open " + path, errno);
  return fd;
}

Result<std::string> ReadAll(int fd) {
  std::string bytes;
  char chunk[16384];
  for (;;) {
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got == 0) return bytes;
    if (got > 0) {
      bytes.append(chunk, static_cast<size_t>(got));
    } else if (errno != EINTR) {
      return ErrnoError("read", errno);
    }
  }
}

Result<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd = TRY(OpenFile(path, O_RDONLY));
  auto bytes = ReadAll(fd.get());
  if (!bytes) return ErrnoError("read " + path, bytes.error().error_number);
  return bytes;
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return ErrnoError("write", errno);
    }
  }
  return {};
}

std::string CurrentDirectory() {
  std::error_code lost;
  return std::filesystem::current_path(lost).string();
}

std::string AbsolutePath(const std::string& path) {
  std::error_code lost;
  const std::filesystem::path absolute = std::filesystem::absolute(path, lost);
  return lost ? path : absolute.string();
}

std::string UnusedPath(const std::string& path) {
  std::string unused = path;
  for (int i = 1; ::access(unused.c_str(), F_OK) == 0; ++i) unused = fmt::format("{}.{}", path, i);
  return unused;
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

Status WriteFileAtomically(const std::string& path, std::string_view bytes, mode_t mode) {
  std::string beside = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(beside.data(), O_CLOEXEC));
  if (!fd.valid()) return ErrnoError("create " + beside, errno);
  auto written = WriteAll(fd.get(), bytes);
  if (written && ::fchmod(fd.get(), mode) != 0) written = ErrnoError("chmod", errno);
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = ErrnoError("rename", errno);
  if (!written) {
    ::unlink(beside.c_str());
    return WithContext("write " + path, written.error());
  }
  return {};
}

}  // namespace uwsgi
