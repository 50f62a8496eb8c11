// SPDX-License-Identifier: Apache-2.0
#include "net/mailbox.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace uwsgi {

Result<Mailbox::Pair> Mailbox::CreatePair() {
  FdPair pair = TRY(MakeSocketPair(SOCK_SEQPACKET));
  return Pair{Mailbox(std::move(pair.first)), Mailbox(std::move(pair.second))};
}

Result<Mailbox::Sent> Mailbox::Send(std::string_view bytes, int fd) {
  // An empty message cannot be told from the end.
  if (bytes.empty() || bytes.size() > kMaxBytes) {
    return Fail("a message of {} bytes does not fit in a mailbox", bytes.size());
  }
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  for (;;) {
    if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return Sent::kYes;
    if (errno == EAGAIN) return Sent::kFull;
    if (errno == EPIPE || errno == ECONNRESET) return Sent::kClosed;
    if (errno != EINTR) return ErrnoError("send to a mailbox", errno);
  }
}

Result<std::optional<Message>> Mailbox::Receive() {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kMaxBytes);
  iovec piece{buffer.get(), kMaxBytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = -1;
  // A reset (the other side has left a message of ours unread) is told once; what it had sent
  // before is still there.
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  if (got < 0) return ErrnoError("receive from a mailbox", errno);
  if (got == 0) return Fail("the other side of the mailbox is gone");
  Message received{std::string(buffer.get(), static_cast<size_t>(got)), UniqueFd()};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd.Reset(fd);
  }
  return received;
}

std::optional<std::string> Mailbox::Peek() {
  std::string bytes(kMaxBytes, '\0');
  ssize_t got = -1;
  do {
    got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got <= 0) return std::nullopt;
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

void Mailbox::RefuseMore() { ::shutdown(socket_.get(), SHUT_RD); }

}  // namespace uwsgi
