// SPDX-License-Identifier: Apache-2.0
#include "service/shared_area.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/log.h"
#include "shm/thread_id.h"

namespace uwsgi {
namespace {

uint64_t PageSize() { return static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)); }

// The memory of a file that is long enough, or made so when it is ours to make.
Result<SharedMapping> MapFile(const SharedAreaSpec& spec) {
  UniqueFd opened;
  if (spec.fd < 0) opened = TRY(OpenFile(spec.file, O_RDWR | O_CREAT));
  const int fd = spec.fd < 0 ? opened.get() : spec.fd;
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return ErrnoError("look at the file", errno);
  const uint64_t end = spec.offset + spec.size;
  if (S_ISREG(facts.st_mode) && static_cast<uint64_t>(facts.st_size) < end) {
    if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(end)); error != 0)
      return ErrnoError("make room in the file", error);
  }
  return SharedMapping::OfFile(fd, end);
}

Result<SharedMapping> Map(const SharedAreaSpec& spec) {
  if (spec.file.empty() && spec.fd < 0) return SharedMapping::Anonymous(spec.offset + spec.size);
  auto mapping = MapFile(spec);
  if (!mapping) return WithContext(fmt::format("sharedarea ({})", spec.origin), mapping.error());
  return mapping;
}

}  // namespace

SharedArea::Guard::Guard(const SharedArea& area) : mutex_(&area.shared_.mutex) {
  if (area.shared_.holder.load(std::memory_order_relaxed) == OwnThreadMark()) {
    mutex_ = nullptr;
  } else {
    mutex_->Lock();
  }
}

SharedArea::Guard::~Guard() {
  if (mutex_ != nullptr) mutex_->Unlock();
}

Result<std::unique_ptr<SharedArea>> SharedArea::Create(const SharedAreaSpec& spec, Shared& shared) {
  SharedMapping mapping = TRY(Map(spec));
  return std::unique_ptr<SharedArea>(
      new SharedArea(std::move(mapping), spec.offset, spec.size, shared));
}

std::optional<std::string> SharedArea::Read(int64_t at, uint64_t size) const {
  if (!Has(at, size)) return std::nullopt;
  if (size == 0) size = size_ - static_cast<uint64_t>(at);
  const Guard guard(*this);
  return std::string(at_ + at, size);
}

bool SharedArea::Write(int64_t at, ByteView bytes) {
  if (!Has(at, bytes.size())) return false;
  const Guard guard(*this);
  std::memcpy(at_ + at, bytes.data(), bytes.size());
  return true;
}

void SharedArea::Lock() {
  shared_.mutex.Lock();
  shared_.holder.store(OwnThreadMark(), std::memory_order_relaxed);
}

void SharedArea::Unlock() {
  if (shared_.holder.load(std::memory_order_relaxed) != OwnThreadMark()) return;
  shared_.holder.store(0, std::memory_order_relaxed);
  shared_.mutex.Unlock();
}

void SharedAreas::AddSize(SharedSize& size, const std::vector<SharedAreaSpec>& specs) {
  size.Add<SharedArea::Shared>(specs.size());
}

Result<SharedAreas> SharedAreas::Create(SharedRegion& region,
                                        const std::vector<SharedAreaSpec>& specs) {
  SharedAreas areas;
  const auto shared = TRY(region.Carve<SharedArea::Shared>(specs.size()));
  for (size_t i = 0; i < specs.size(); ++i) {
    areas.areas_.push_back(TRY(SharedArea::Create(specs[i], shared[i])));
    const SharedArea& area = *areas.areas_.back();
    Log("sharedarea {} created at {} ({} pages, area at {})", i, static_cast<const void*>(&area),
        (area.size() + PageSize() - 1) / PageSize(), static_cast<const void*>(area.view()));
  }
  return areas;
}

}  // namespace uwsgi
