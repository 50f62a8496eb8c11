// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// One request to another server by the uwsgi protocol, and its answer. Waits on the calling thread,
// for all of it no longer than the time given; sent and received in pieces as they come. Not
// thread-safe.
class PacketClient {
 public:
  static constexpr int64_t kUsualTimeoutMs = 4000;

  // `address` as in options: host:port, a path, @name.
  static Result<PacketClient> Connect(ByteView address, int64_t timeout_ms = kUsualTimeoutMs);

  Status Send(ByteView bytes);
  // Exactly so many bytes; an error when the answer ends before.
  Result<std::string> Receive(uint64_t size);
  // What has come, at least a byte of it; an error at the end of the answer.
  Result<std::string> ReceiveSome();

 private:
  PacketClient(UniqueFd socket, int64_t deadline_us)
      : socket_(std::move(socket)), deadline_us_(deadline_us) {}
  // Waits until the socket is ready for these poll events.
  Status Wait(short events);
  // 0 at the end.
  Result<size_t> ReceiveSome(char* into, size_t size);

  UniqueFd socket_;
  int64_t deadline_us_;
};

}  // namespace uwsgi
