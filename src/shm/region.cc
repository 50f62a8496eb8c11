// SPDX-License-Identifier: Apache-2.0
#include "shm/region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace uwsgi {

Result<SharedRegion> SharedRegion::Create(size_t bytes) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t size = (std::max<size_t>(bytes, 1) + page - 1) / page * page;
  void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return ErrnoError(fmt::format("map {} bytes of shared memory", size), errno);
  return SharedRegion(static_cast<std::byte*>(at), size);
}

SharedRegion::~SharedRegion() {
  if (at_ != nullptr) ::munmap(at_, size_);
}

Result<std::byte*> SharedRegion::Take(size_t bytes, size_t alignment) {
  const size_t start = (used_ + alignment - 1) / alignment * alignment;
  if (start > size_ || bytes > size_ - start) {
    return Fail("shared memory of {} bytes is too small for {} more", size_, bytes);
  }
  used_ = start + bytes;
  return at_ + start;
}

}  // namespace uwsgi
