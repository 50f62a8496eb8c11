// SPDX-License-Identifier: Apache-2.0
#include "net/poller.h"

#include <cerrno>

namespace uwsgi {

Result<Poller> Poller::Create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return ErrnoError("epoll_create1()", errno);
  return Poller(std::move(epoll));
}

Status Poller::Add(int fd, uint32_t events, void* tag) {
  epoll_event event{.events = events, .data = {.ptr = tag}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return ErrnoError(fmt::format("watch fd {}", fd), errno);
  }
  return {};
}

Status Poller::Modify(int fd, uint32_t events, void* tag) {
  epoll_event event{.events = events, .data = {.ptr = tag}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return ErrnoError(fmt::format("watch fd {} for something else", fd), errno);
  }
  return {};
}

void Poller::Remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

int Poller::Wait(std::span<epoll_event> into, int timeout_ms) {
  const int got =
      ::epoll_wait(epoll_.get(), into.data(), static_cast<int>(into.size()), timeout_ms);
  return got < 0 ? 0 : got;
}

}  // namespace uwsgi
