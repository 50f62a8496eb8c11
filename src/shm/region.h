// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace uwsgi {

// How many bytes things need in a SharedRegion: the parts add up what they will carve, the region
// is created, and the same parts carve the same things.
class SharedSize {
 public:
  template <typename T>
  void Add(size_t count = 1) {
    // Every piece may have to be aligned first.
    bytes_ += alignof(T) + sizeof(T) * count;
  }
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

// Anonymous memory that a process shares with all it forks from then on. Created and carved before
// the first fork, by one thread; afterwards nothing is added. Zeroed. Pages cost memory only once
// they are touched.
class SharedRegion {
 public:
  static Result<SharedRegion> Create(size_t bytes);
  static Result<SharedRegion> Create(const SharedSize& size) { return Create(size.bytes()); }
  SharedRegion(SharedRegion&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), size_(other.size_), used_(other.used_) {}
  SharedRegion& operator=(SharedRegion&&) = delete;
  // Only this process's view of the memory goes.
  ~SharedRegion();

  // `count` new objects, made with their default constructor; they are never destroyed. Fails when
  // the region was created too small.
  template <typename T>
  Result<std::span<T>> Carve(size_t count = 1) {
    static_assert(std::is_trivially_destructible_v<T>, "nobody would destroy it");
    std::byte* const bytes = TRY(Take(sizeof(T) * count, alignof(T)));
    T* const objects = reinterpret_cast<T*>(bytes);
    for (size_t i = 0; i < count; ++i) new (objects + i) T();
    return std::span<T>(objects, count);
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t used() const { return used_; }

 private:
  SharedRegion(std::byte* at, size_t size) : at_(at), size_(size) {}
  Result<std::byte*> Take(size_t bytes, size_t alignment);

  std::byte* at_;
  size_t size_;
  size_t used_ = 0;
};

}  // namespace uwsgi
