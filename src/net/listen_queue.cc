// SPDX-License-Identifier: Apache-2.0
#include "net/listen_queue.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <optional>

#include "base/unique_fd.h"

namespace uwsgi {
namespace {

struct Question {
  nlmsghdr head;
  unix_diag_req body;
};

bool Ask(int netlink, ino_t inode) {
  Question question{};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = AF_UNIX;
  question.body.udiag_states = ~0U;
  question.body.udiag_ino = static_cast<uint32_t>(inode);
  question.body.udiag_show = UDIAG_SHOW_RQLEN;
  question.body.udiag_cookie[0] = question.body.udiag_cookie[1] = ~0U;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return ::sendto(netlink, &question, sizeof question, 0, reinterpret_cast<sockaddr*>(&kernel),
                  sizeof kernel) == sizeof question;
}

// The attribute with the lengths, in an answer of the kernel's.
std::optional<ListenQueue> Read(const char* bytes, size_t size) {
  nlmsghdr head;
  if (size < NLMSG_SPACE(sizeof(unix_diag_msg))) return std::nullopt;
  std::memcpy(&head, bytes, sizeof head);
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len > size) return std::nullopt;
  size_t at = NLMSG_SPACE(sizeof(unix_diag_msg));
  while (at + sizeof(rtattr) <= head.nlmsg_len) {
    rtattr attribute;
    std::memcpy(&attribute, bytes + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > head.nlmsg_len)
      return std::nullopt;
    unix_diag_rqlen lengths;
    if (attribute.rta_type == UNIX_DIAG_RQLEN && attribute.rta_len >= RTA_LENGTH(sizeof lengths)) {
      std::memcpy(&lengths, bytes + at + RTA_LENGTH(0), sizeof lengths);
      return ListenQueue{static_cast<int>(lengths.udiag_rqueue),
                         static_cast<int>(lengths.udiag_wqueue)};
    }
    at += RTA_ALIGN(attribute.rta_len);
  }
  return std::nullopt;
}

std::optional<ListenQueue> UnixQueue(int fd) {
  struct stat socket {};
  if (::fstat(fd, &socket) != 0) return std::nullopt;
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink.valid() || !Ask(netlink.get(), socket.st_ino)) return std::nullopt;
  char answer[1024];
  const ssize_t got = ::recv(netlink.get(), answer, sizeof answer, MSG_DONTWAIT);
  return got > 0 ? Read(answer, static_cast<size_t>(got)) : std::nullopt;
}

ListenQueue TcpQueue(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  // For a listening socket the kernel keeps the queue and its limit in these two.
  return {static_cast<int>(info.tcpi_unacked), static_cast<int>(info.tcpi_sacked)};
}

}  // namespace

ListenQueue QueueOf(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return {};
  return family == AF_UNIX ? UnixQueue(fd).value_or(ListenQueue{}) : TcpQueue(fd);
}

}  // namespace uwsgi
