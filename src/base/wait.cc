// SPDX-License-Identifier: Apache-2.0
#include "base/wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/clock.h"

namespace uwsgi {

bool AwaitReady(int fd, short events, int64_t timeout_ms) {
  const int64_t deadline_us = MonotonicMicros() + timeout_ms * 1000;
  pollfd waiting{fd, events, 0};
  for (int64_t left_ms = timeout_ms;;) {
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left_ms, INT_MAX)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    left_ms = (deadline_us - MonotonicMicros() + 999) / 1000;
    if (left_ms <= 0) return false;
  }
}

}  // namespace uwsgi
