// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "shm/mapping.h"
#include "shm/region.h"
#include "shm/shared_mutex.h"

namespace uwsgi {

struct SharedAreaSpec {
  uint64_t size = 0;
  std::string file;  // the memory is this file's, from `offset` on
  int fd = -1;       // or this descriptor's
  uint64_t offset = 0;
  std::string origin;
};

// A piece of raw memory that all processes share, with a lock (reference 34 section 4). Its
// functions take the lock for themselves, unless the calling thread has it; with view() one goes
// around it. What is out of range fails. All may be called from any process and thread.
class SharedArea {
 public:
  // The part of an area that lies in the SharedRegion.
  struct Shared {
    SharedMutex mutex;
    std::atomic<uint64_t> holder{0};  // OwnThreadMark() of who took it by Lock()
  };

  static Result<std::unique_ptr<SharedArea>> Create(const SharedAreaSpec& spec, Shared& shared);

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] char* view() const { return at_; }

  // `size` 0: up to the end.
  [[nodiscard]] std::optional<std::string> Read(int64_t at, uint64_t size) const;
  bool Write(int64_t at, ByteView bytes);

  template <std::integral Number>
  [[nodiscard]] std::optional<Number> ReadNumber(int64_t at) const {
    if (!Has(at, sizeof(Number))) return std::nullopt;
    const Guard guard(*this);
    Number number = 0;
    std::memcpy(&number, at_ + at, sizeof number);
    return number;
  }
  template <std::integral Number>
  bool WriteNumber(int64_t at, Number number) {
    return Write(at, {reinterpret_cast<const char*>(&number), sizeof number});
  }
  // Adds, wrapping around.
  template <std::integral Number>
  bool AddNumber(int64_t at, Number amount) {
    if (!Has(at, sizeof(Number))) return false;
    const Guard guard(*this);
    Number number = 0;
    std::memcpy(&number, at_ + at, sizeof number);
    using Bits = std::make_unsigned_t<Number>;
    number = static_cast<Number>(static_cast<Bits>(number) + static_cast<Bits>(amount));
    std::memcpy(at_ + at, &number, sizeof number);
    return true;
  }

  // The lock, for several calls in one; not recursive. Nothing happens when a thread unlocks what
  // it does not have.
  void Lock();
  void Unlock();

 private:
  // Has the lock while it lives, be it by Lock() of this thread.
  class Guard {
   public:
    explicit Guard(const SharedArea& area);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    SharedMutex* mutex_;
  };

  SharedArea(SharedMapping mapping, uint64_t offset, uint64_t size, Shared& shared)
      : mapping_(std::move(mapping)),
        at_(reinterpret_cast<char*>(mapping_.data()) + offset),
        size_(size),
        shared_(shared) {}
  [[nodiscard]] bool Has(int64_t at, uint64_t size) const {
    return at >= 0 && static_cast<uint64_t>(at) <= size_ &&
           size <= size_ - static_cast<uint64_t>(at);
  }

  SharedMapping mapping_;
  char* at_;
  uint64_t size_;
  Shared& shared_;
};

// All areas, numbered from 0.
class SharedAreas {
 public:
  static void AddSize(SharedSize& size, const std::vector<SharedAreaSpec>& specs);
  static Result<SharedAreas> Create(SharedRegion& region, const std::vector<SharedAreaSpec>& specs);

  [[nodiscard]] bool empty() const { return areas_.empty(); }
  [[nodiscard]] int count() const { return static_cast<int>(areas_.size()); }
  // Null: there is none of that number.
  [[nodiscard]] SharedArea* Find(int64_t number) const {
    if (number < 0 || static_cast<uint64_t>(number) >= areas_.size()) return nullptr;
    return areas_[static_cast<size_t>(number)].get();
  }

 private:
  std::vector<std::unique_ptr<SharedArea>> areas_;
};

}  // namespace uwsgi
