// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// What may happen to a descriptor. Errors and hang-ups are always reported.
constexpr uint32_t kReadable = EPOLLIN;
constexpr uint32_t kWritable = EPOLLOUT;
constexpr uint32_t kPollPeerClosed = EPOLLRDHUP;
constexpr uint32_t kPollHangUp = EPOLLHUP;
constexpr uint32_t kPollFailed = EPOLLERR;
// How it is reported: once per change, to one of the waiting processes, or once until Modify().
constexpr uint32_t kEdge = EPOLLET;
constexpr uint32_t kExclusive = EPOLLEXCLUSIVE;
constexpr uint32_t kOneShot = EPOLLONESHOT;

// The door to epoll: a set of descriptors and who wants to know about each. Thread-safe as epoll
// is: one thread may wait while others add, modify and remove. A descriptor must be removed before
// it is closed when a copy of it lives on in another process; otherwise closing is enough. After a
// fork the set is shared with the parent, so a child must not use it, only destroy it.
class Poller {
 public:
  using Event = epoll_event;  // `events`, and the tag in `data.ptr`

  static Result<Poller> Create();

  Status Add(int fd, uint32_t events, void* tag);
  Status Modify(int fd, uint32_t events, void* tag);
  // Harmless when the descriptor is not in the set.
  void Remove(int fd);

  // Fills the front of `into` and returns how many; 0 after `timeout_ms` (-1: never) and after a
  // signal.
  int Wait(std::span<epoll_event> into, int timeout_ms);

  // In a child after a fork: what is removed from now on stays in the parent's set.
  void LeaveInChild() { epoll_.Reset(); }

  // Itself a descriptor that is readable when something waits, so that pollers can be nested.
  [[nodiscard]] int fd() const { return epoll_.get(); }

 private:
  explicit Poller(UniqueFd epoll) : epoll_(std::move(epoll)) {}
  UniqueFd epoll_;
};

}  // namespace uwsgi
