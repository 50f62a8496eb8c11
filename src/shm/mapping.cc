// SPDX-License-Identifier: Apache-2.0
#include "shm/mapping.h"

#include <sys/mman.h>

#include <cerrno>

namespace uwsgi {

Result<SharedMapping> SharedMapping::Anonymous(size_t bytes) {
  // Not all of it will be touched, so the system need not set it aside.
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return ErrnoError(fmt::format("map {} bytes of shared memory", bytes), errno);
  return SharedMapping(static_cast<std::byte*>(at), bytes);
}

Result<SharedMapping> SharedMapping::OfFile(int fd, size_t bytes) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return ErrnoError(fmt::format("map {} bytes of a file", bytes), errno);
  return SharedMapping(static_cast<std::byte*>(at), bytes);
}

SharedMapping::~SharedMapping() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

void SharedMapping::Flush() const { ::msync(at_, size_, MS_ASYNC); }

}  // namespace uwsgi
