// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "base/function.h"
#include "net/event_loop.h"

namespace uwsgi {

// Descriptors that the server was started with, and what follows when somebody writes to one. Lives
// as long as the loop.
class FdWatches {
 public:
  // `prefix` is put in front of lines of the log.
  explicit FdWatches(std::string prefix = "") : prefix_(std::move(prefix)) {}
  FdWatches(const FdWatches&) = delete;
  FdWatches& operator=(const FdWatches&) = delete;

  // Takes up to `bytes` bytes each time, so that they do not count again, then calls `written`. A
  // descriptor that is at its end is watched no more.
  Status Add(EventLoop& loop, int fd, size_t bytes, UniqueFunction<void()> written);

 private:
  struct Watched {
    int fd = -1;
    size_t bytes = 1;
    UniqueFunction<void()> written;
    WatchId watch = 0;
  };

  void OnReadable(EventLoop& loop, Watched& watched);

  std::string prefix_;
  std::deque<Watched> watched_;
};

}  // namespace uwsgi
