// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// Bytes from another process, with a descriptor when one came along.
struct Message {
  std::string bytes;
  UniqueFd fd;
};

// One end of a channel between two processes: whole messages, in order, each with at most one
// descriptor. Made in pairs before the fork; each side closes the end it does not use. Never
// blocks. Thread-safe.
class Mailbox {
 public:
  static constexpr size_t kMaxBytes = 65536;

  struct Pair;
  static Result<Pair> CreatePair();
  // An end that was kept over an exec.
  static Mailbox Adopt(UniqueFd socket) { return Mailbox(std::move(socket)); }

  // kFull: nothing was sent, because the other side is slow; wait until fd() is writable.
  enum class Sent { kYes, kFull, kClosed };
  // `fd` (-1: none) is copied into the other process and stays ours to close. Messages of more than
  // kMaxBytes and empty ones are refused.
  Result<Sent> Send(std::string_view bytes, int fd = -1);

  // The next message; nullopt when none waits. An error when the other side is gone and all is
  // read.
  Result<std::optional<Message>> Receive();
  // The bytes of the next message, which stays; nullopt when none waits, or none will come.
  std::optional<std::string> Peek();
  // What the other side sends from now on is refused (Sent::kClosed), whoever else has this end
  // open; what is here can still be received, and then it is the end.
  void RefuseMore();

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  explicit Mailbox(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

struct Mailbox::Pair {
  Mailbox first;
  Mailbox second;
};

}  // namespace uwsgi
