// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace uwsgi {

class Connection;

// The body of a request, as an application reads it. Either all of it is there before the
// application is called (in memory, or in an unlinked temporary file), or it is read from the
// connection on demand.
//
// Used by the one thread that runs the request. Read() on a streamed body waits for the client, at
// most the socket timeout for each piece; callers that hold a language's lock give it back around
// Read() when `in_memory()` is false.
class BodySource {
 public:
  // All of a body that lies in memory: what Read() has not taken yet. Empty for the other kinds.
  [[nodiscard]] bool in_memory() const { return kind_ == Kind::kMemory; }
  [[nodiscard]] ByteView rest_in_memory() const { return memory_.substr(position_); }
  void SkipInMemory(size_t size) { position_ += size; }

  // Bytes of the whole body; nullopt while a chunked body is being streamed.
  [[nodiscard]] std::optional<uint64_t> length() const { return length_; }
  [[nodiscard]] uint64_t consumed() const { return position_; }
  [[nodiscard]] bool AtEnd() const;
  // A Read has failed.
  [[nodiscard]] bool failed() const { return failed_; }

  // Puts up to `size` (> 0) bytes into `into`, 0 at the end of the body. Errors (the text goes to
  // the application as OSError): the client went away, sent nothing for the socket timeout, or
  // broke the framing. After an error every call fails.
  Result<size_t> Read(char* into, size_t size);

  // Whether Seek works: bodies in memory, and, with post-buffering, in a file.
  [[nodiscard]] bool seekable() const { return kind_ != Kind::kStream; }
  // To an absolute position within the body.
  Status Seek(uint64_t position);

  // For protocols and the connection:
  enum class Kind : uint8_t { kMemory, kFile, kStream };
  void Clear();
  void SetMemory(ByteView body);
  void SetFile(int fd, uint64_t length);  // the connection keeps the descriptor
  void SetStream(Connection* connection, std::optional<uint64_t> length);
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  Kind kind_ = Kind::kMemory;
  bool failed_ = false;
  bool ended_ = false;
  int file_ = -1;
  ByteView memory_;
  uint64_t position_ = 0;
  std::optional<uint64_t> length_ = 0;
  Connection* connection_ = nullptr;
};

}  // namespace uwsgi
