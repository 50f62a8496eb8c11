// SPDX-License-Identifier: Apache-2.0
#include "service/remote_signal.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "net/address.h"

namespace uwsgi {
namespace {

constexpr int kPatienceMs = 4000;
constexpr size_t kAnswerSize = 4;
constexpr char kModifier = 110;

Status WaitFor(int fd, short events) {
  pollfd ready{fd, events, 0};
  int got = 0;
  do {
    got = ::poll(&ready, 1, kPatienceMs);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return Fail("no answer within {} ms", kPatienceMs);
  if (got < 0) return ErrnoError("poll()", errno);
  return {};
}

Result<UniqueFd> Connect(const SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoError("socket()", errno);
  if (::connect(fd.get(), address.get(), address.length) == 0) return fd;
  if (errno != EINPROGRESS) return ErrnoError("connect()", errno);
  TRY_STATUS(WaitFor(fd.get(), POLLOUT));
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return ErrnoError("connect()", error);
  return fd;
}

}  // namespace

std::string RemoteSignalPacket(uint8_t signal) {
  return {kModifier, '\0', '\0', static_cast<char>(signal)};
}

std::string RemoteSignalAnswer(bool taken) {
  return {'\xff', '\0', '\0', static_cast<char>(taken ? 1 : 0)};
}

Result<bool> SendRemoteSignal(std::string_view address, uint8_t signal) {
  const SocketAddress where = TRY(ParseSocketAddress(address));
  const UniqueFd fd = TRY(Connect(where));
  const std::string packet = RemoteSignalPacket(signal);
  if (::send(fd.get(), packet.data(), packet.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(packet.size()))
    return ErrnoError("send()", errno);
  std::string answer;
  while (answer.size() < kAnswerSize) {
    TRY_STATUS(WaitFor(fd.get(), POLLIN));
    char bytes[kAnswerSize];
    const ssize_t got = ::recv(fd.get(), bytes, kAnswerSize - answer.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return ErrnoError("recv()", errno);
    if (got == 0) return Fail("the connection was closed without an answer");
    answer.append(bytes, static_cast<size_t>(got));
  }
  return answer == RemoteSignalAnswer(true);
}

}  // namespace uwsgi
