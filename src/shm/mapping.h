// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"

namespace uwsgi {

// Shared memory of its own, for what is too large or too long-lived for the SharedRegion: zeroed,
// page by page when it is first touched. Shared with every process forked from then on, and, when
// it is a file, with all that map the file.
class SharedMapping {
 public:
  static Result<SharedMapping> Anonymous(size_t bytes);
  // The first `bytes` of a file that is at least so long; the caller may close the descriptor.
  static Result<SharedMapping> OfFile(int fd, size_t bytes);
  SharedMapping(SharedMapping&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  SharedMapping& operator=(SharedMapping&&) = delete;
  // Only this process's view of the memory goes.
  ~SharedMapping();

  [[nodiscard]] std::byte* data() const { return at_; }
  [[nodiscard]] size_t size() const { return size_; }
  // Begins to write what changed to the file; does not wait for the disk.
  void Flush() const;

 private:
  SharedMapping(std::byte* at, size_t size) : at_(at), size_(size) {}

  std::byte* at_;
  size_t size_;
};

}  // namespace uwsgi
