// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace uwsgi {

// Bump memory for what lives as long as one request. Reset() gives everything back at once; the
// first block stays for the next request, so that a usual request allocates nothing. Not for
// objects with destructors.
class Arena {
 public:
  char* Allocate(size_t size);
  // A copy that lives until Reset().
  std::string_view Copy(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* const to = Allocate(bytes.size());
    std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }
  void Reset() {
    used_ = extra_used_ = 0;
    if (!extra_.empty()) extra_.clear();
  }
  // Bytes given out since Reset().
  [[nodiscard]] size_t used() const { return used_ + extra_used_; }

 private:
  static constexpr size_t kBlockSize = 4096;
  std::unique_ptr<char[]> block_;
  size_t used_ = 0;  // of the first block
  size_t extra_used_ = 0;
  std::vector<std::unique_ptr<char[]>> extra_;
};

inline char* Arena::Allocate(size_t size) {
  if (size <= kBlockSize - used_) {
    if (!block_) block_ = std::make_unique_for_overwrite<char[]>(kBlockSize);
    char* const at = block_.get() + used_;
    used_ += size;
    return at;
  }
  extra_used_ += size;
  return extra_.emplace_back(std::make_unique_for_overwrite<char[]>(size)).get();
}

}  // namespace uwsgi
