// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "service/store_file.h"
#include "shm/mapping.h"
#include "shm/shared_mutex.h"

namespace uwsgi {

struct QueueSpec {
  uint64_t slots = 0;
  uint64_t blocksize = 8192;
  std::string store;  // the file that keeps it, empty: none
  int64_t store_sync_s = 0;
  std::string origin;
};

// A ring of slots in shared memory with two positions: items are pushed and popped at one, and
// pulled at the other (reference 34 section 3). A push into a taken slot replaces what is there.
// All functions may be called from any process and thread; one that dies in the middle of a push
// leaves an empty slot.
class MessageQueue {
 public:
  // What a slot takes for itself. compat: so that the longest item is as long as it was.
  static constexpr uint64_t kSlotHead = 16;

  // A trial is given one in memory, when its store could be had.
  static Result<MessageQueue> Create(const QueueSpec& spec, StoreUse use);

  [[nodiscard]] uint64_t size() const { return slots_; }
  [[nodiscard]] uint64_t longest_item() const { return blocksize_ - kSlotHead; }

  // False: the item is empty or too long.
  bool Push(ByteView item);
  // The last one pushed; the position stays when its slot is empty.
  std::optional<std::string> Pop();
  std::optional<std::string> Pull();
  // Slots as an array; what is out of range is empty and takes nothing.
  [[nodiscard]] std::optional<std::string> Get(int64_t slot) const;
  bool Set(int64_t slot, ByteView item);
  // Newest first, as many as there are slots at most; empty slots have no value.
  [[nodiscard]] std::vector<std::optional<std::string>> Last(uint64_t count) const;
  [[nodiscard]] uint64_t push_position() const;
  [[nodiscard]] uint64_t pull_position() const;

  // Begins to write the store.
  void Flush() const { mapping_.Flush(); }
  [[nodiscard]] int64_t store_sync_s() const { return store_sync_s_; }

 private:
  struct Header;
  struct Slot;

  static Result<MessageQueue> OpenStore(const QueueSpec& spec, uint64_t size, StoreUse use);
  static Status TryStore(const QueueSpec& spec, uint64_t size);
  static Status CheckStore(const StoreFile& file, const QueueSpec& spec, uint64_t size);
  MessageQueue(SharedMapping mapping, const QueueSpec& spec);
  [[nodiscard]] Header& header() const;
  [[nodiscard]] Slot& slot(uint64_t index) const;
  [[nodiscard]] std::optional<std::string> Read(uint64_t index) const;
  std::optional<std::string> Take(uint64_t index);
  bool Write(uint64_t index, ByteView item);

  SharedMapping mapping_;
  UniqueFd file_;
  uint64_t slots_;
  uint64_t blocksize_;
  int64_t store_sync_s_;
};

}  // namespace uwsgi
