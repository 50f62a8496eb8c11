// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "base/result.h"

namespace uwsgi {

// Owner of a file descriptor: closed by the destructor, move-only, never an int by itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  // Gives the descriptor away; the caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct FdPair {
  UniqueFd first;   // the read end of a pipe
  UniqueFd second;  // the write end of a pipe
};

// Both ends close-on-exec and non-blocking.
Result<FdPair> MakePipe();
// A pair of connected UNIX sockets, close-on-exec and non-blocking; `type` is SOCK_STREAM,
// SOCK_SEQPACKET or SOCK_DGRAM.
Result<FdPair> MakeSocketPair(int type);

Status SetNonBlocking(int fd);
// Whether the descriptor goes away at exec; only what a reload hands to its successor stays.
Status SetCloseOnExec(int fd, bool close_on_exec);

}  // namespace uwsgi
