// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "request/response.h"

namespace uwsgi {

enum class FlushResult : uint8_t {
  kDone,
  kWouldBlock,  // the kernel takes no more
  kEnough,      // it might take more, but so much has gone that others have their turn
  kError,
};

// Bytes and files on their way to a client, in order. While it is empty, small answers go straight
// to the kernel; what the kernel does not take waits here for the loop.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { Clear(); }

  [[nodiscard]] bool empty() const { return segments_.empty(); }
  // Bytes in memory that wait; files do not count.
  [[nodiscard]] size_t pending_bytes() const { return pending_; }
  // Of memory and files, that Flush() has given to the kernel.
  [[nodiscard]] uint64_t sent_bytes() const { return sent_; }

  void AppendCopy(ByteView bytes);
  // Keeps a reference when the owner can give one and the chunk is worth it, else a copy.
  void Append(ByteView bytes, ChunkOwner owner);
  void AppendFile(UniqueFd file, uint64_t offset, uint64_t size);

  // At most this much of a file, and a little more, leaves in one Flush().
  static constexpr uint64_t kFileBytesInARow = uint64_t{4} << 20;

  // Sends until everything is gone, the kernel takes no more, or it is enough. `error` is errno of
  // a failure.
  FlushResult Flush(int socket, int& error);
  void Clear();

 private:
  struct Segment {
    std::string copy;
    ByteView bytes;  // into `copy` or the owner's memory
    ChunkOwner owner;
    UniqueFd file;
    uint64_t offset = 0;  // of the file
    uint64_t size = 0;    // left of the file
  };
  FlushResult FlushFile(int socket, Segment& segment, uint64_t& sent_of_files, int& error);
  FlushResult FlushBytes(int socket, int& error);
  void DropFront();

  std::deque<Segment> segments_;
  size_t pending_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace uwsgi
