// SPDX-License-Identifier: Apache-2.0
#include "service/packet_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/wait.h"
#include "net/address.h"

namespace uwsgi {
namespace {

// What a peer claims of its answer's size is believed piece by piece only.
constexpr size_t kPiece = 65536;

Status ConnectionError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return ErrnoError("connect", error);
  return {};
}

}  // namespace

Result<PacketClient> PacketClient::Connect(ByteView address, int64_t timeout_ms) {
  const SocketAddress to = TRY(ParseSocketAddress(address));
  UniqueFd socket(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return ErrnoError("socket", errno);
  PacketClient client(std::move(socket), MonotonicMicros() + timeout_ms * 1000);
  const int fd = client.socket_.get();
  if (::connect(fd, to.get(), to.length) != 0) {
    if (errno != EINPROGRESS) return ErrnoError("connect", errno);
    TRY_STATUS(client.Wait(POLLOUT));
    TRY_STATUS(ConnectionError(fd));
  }
  return client;
}

Status PacketClient::Wait(short events) {
  const int64_t left_us = deadline_us_ - MonotonicMicros();
  if (left_us > 0 && AwaitReady(socket_.get(), events, left_us / 1000 + 1)) return {};
  return ErrnoError("wait for another server", ETIMEDOUT);
}

Status PacketClient::Send(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      TRY_STATUS(Wait(POLLOUT));
    } else if (errno != EINTR) {
      return ErrnoError("send", errno);
    }
  }
  return {};
}

Result<size_t> PacketClient::ReceiveSome(char* into, size_t size) {
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), into, size, 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN) {
      TRY_STATUS(Wait(POLLIN));
    } else if (errno != EINTR) {
      return ErrnoError("receive", errno);
    }
  }
}

Result<std::string> PacketClient::Receive(uint64_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    const size_t before = bytes.size();
    bytes.resize(before + std::min<uint64_t>(size - before, kPiece));
    const size_t got = TRY(ReceiveSome(bytes.data() + before, bytes.size() - before));
    if (got == 0) return Fail("the answer is cut short");
    bytes.resize(before + got);
  }
  return bytes;
}

Result<std::string> PacketClient::ReceiveSome() {
  std::string bytes(kPiece, '\0');
  bytes.resize(TRY(ReceiveSome(bytes.data(), bytes.size())));
  if (bytes.empty()) return Fail("the answer is cut short");
  return bytes;
}

}  // namespace uwsgi
