// SPDX-License-Identifier: Apache-2.0
#include "service/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace uwsgi {

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

Status StoreFile::Resize(uint64_t size) const {
  // Space that the disk does not have would be noticed only when the memory is written, by a
  // signal that kills the process.
  if (const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size)); error != 0)
    return ErrnoError("make room for a store", error);
  return {};
}

}  // namespace uwsgi
