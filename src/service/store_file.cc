// SPDX-License-Identifier: Apache-2.0
#include "service/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/file.h"

namespace uwsgi {
namespace {

// Whether there is room for this store and those of the same file system that have been tried
// before it: a trial is a process of its own.
Status ProveRoom(int folder_or_file, uint64_t bytes) {
  static std::map<dev_t, uint64_t> promised;
  struct stat facts {};
  struct statvfs disk {};
  if (::fstat(folder_or_file, &facts) != 0 || ::fstatvfs(folder_or_file, &disk) != 0)
    return ErrnoError("look at a store", errno);
  // Some file systems do not count what they have.
  if (bytes == 0 || disk.f_blocks == 0) return {};
  const uint64_t before = promised[facts.st_dev];
  const uint64_t has = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (before >= has || bytes >= has - before) return ErrnoError("make room for a store", ENOSPC);
  promised[facts.st_dev] += bytes;
  return {};
}

}  // namespace

Result<StoreFile> StoreFile::Open(const std::string& path, StoreUse use) {
  StoreFile file{.fd = TRY(OpenFile(path, O_RDWR | O_CREAT))};
  file.is_alone = ::flock(file.fd.get(), LOCK_EX | LOCK_NB) == 0;
  if (!file.is_alone && use != StoreUse::kInherit) return Fail("another server uses it");
  if (::flock(file.fd.get(), LOCK_SH | LOCK_NB) != 0) return ErrnoError("lock " + path, errno);
  return file;
}

Result<uint64_t> StoreFile::Size() const {
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return ErrnoError("look at a store", errno);
  return static_cast<uint64_t>(facts.st_size);
}

Result<bool> StoreFile::IsBlank() const {
  char begin[8] = {};
  if (::pread(fd.get(), begin, sizeof begin, 0) < 0) return ErrnoError("read a store", errno);
  return std::ranges::all_of(begin, [](char byte) { return byte == '\0'; });
}

Status StoreFile::Resize(uint64_t size) const {
  const uint64_t found = TRY(Size());
  // Space that the disk does not have would be noticed only when the memory is written, by a
  // signal that kills the process.
  int error = 0;
  do {
    error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size));
  } while (error == EINTR);
  if (error == 0) return {};
  // What there was of the space is of use to others.
  if (found < size) {
    [[maybe_unused]] const int done = ::ftruncate(fd.get(), static_cast<off_t>(found));
  }
  return ErrnoError("make room for a store", error);
}

Result<std::optional<StoreFile>> StoreFile::TryOpen(const std::string& path, uint64_t size) {
  auto fd = OpenFile(path, O_RDWR);
  if (fd) return StoreFile{.fd = std::move(*fd)};
  if (fd.error().error_number != ENOENT) return tl::unexpected(fd.error());
  TRY_STATUS(TryMake(path, size));
  return std::nullopt;
}

Status StoreFile::TryMake(const std::string& path, uint64_t size) {
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return ErrnoError("open " + path, errno);
  const UniqueFd directory = TRY(OpenFile(folder, O_PATH | O_DIRECTORY));
  return ProveRoom(directory.get(), size);
}

Status StoreFile::TryResize(uint64_t size) const {
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return ErrnoError("look at a store", errno);
  const uint64_t has = static_cast<uint64_t>(facts.st_blocks) * 512;
  return ProveRoom(fd.get(), size > has ? size - has : 0);
}

}  // namespace uwsgi
