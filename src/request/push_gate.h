// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>

namespace uwsgi {

// Lets the last bytes of an answer rest in the kernel for a moment (MSG_MORE), so that the answers
// to several requests which were waiting together leave together: each one that leaves alone may
// wake a client that has just gone to sleep, which on virtual machines costs more than the rest of
// the exchange.
//
// One per core. The core opens it for one request at a time; the watcher shuts it when that request
// turns out to be slow, as what follows the answer (an iterable's close()) may be.
class PushGate {
 public:
  // By the core, before the request runs.
  void Open(int fd) {
    held_ = false;
    fd_.store(fd, std::memory_order_seq_cst);
  }
  // By the core, after it: whether something of the answer rests, which the caller has to push.
  bool Close() {
    fd_.store(-1, std::memory_order_relaxed);
    return held_;
  }
  // By the watcher: what rests leaves at once, and nothing more comes to rest.
  void Shut() {
    if (const int fd = fd_.exchange(-1, std::memory_order_seq_cst); fd >= 0) Push(fd);
  }

  // By the response, around the send of its last bytes.
  [[nodiscard]] bool is_open_for(int fd) const { return fd_.load(std::memory_order_seq_cst) == fd; }
  void Hold(int fd) {
    held_ = is_open_for(fd);
    if (!held_) Push(fd);  // the watcher came between
  }

  // Has the kernel send what rests. Harmless on any socket, and on none.
  static void Push(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

 private:
  std::atomic<int> fd_{-1};
  bool held_ = false;
};

}  // namespace uwsgi
