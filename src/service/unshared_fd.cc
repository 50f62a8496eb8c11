// SPDX-License-Identifier: Apache-2.0
#include "service/unshared_fd.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

namespace uwsgi {
namespace {

// The number plus one, 0 for a free place.
std::array<std::atomic<int>, 16> unshared{};

void CloseInChild() {
  for (std::atomic<int>& place : unshared) {
    const int number = place.exchange(0, std::memory_order_relaxed);
    if (number > 0) ::close(number - 1);
  }
}

bool Replace(int from, int to) {
  for (std::atomic<int>& place : unshared) {
    int expected = from;
    if (place.compare_exchange_strong(expected, to)) return true;
  }
  return false;
}

}  // namespace

UnsharedFd::UnsharedFd(UniqueFd fd) : fd_(std::move(fd)) {
  static const int once = ::pthread_atfork(nullptr, nullptr, CloseInChild);
  static_cast<void>(once);
  if (fd_.valid()) Replace(0, fd_.get() + 1);
}

UnsharedFd::UnsharedFd(UnsharedFd&& other) noexcept = default;

UnsharedFd::~UnsharedFd() {
  // Not there any more: this is the child, and the number may be another file's by now.
  if (fd_.valid() && !Replace(fd_.get() + 1, 0)) static_cast<void>(fd_.Release());
}

}  // namespace uwsgi
