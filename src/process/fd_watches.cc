// SPDX-License-Identifier: Apache-2.0
#include "process/fd_watches.h"

#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/log.h"

namespace uwsgi {

Status FdWatches::Add(EventLoop& loop, int fd, size_t bytes, UniqueFunction<void()> written) {
  Watched& watched = watched_.emplace_back(Watched{fd, bytes, std::move(written)});
  watched.watch = TRY(
      loop.Watch(fd, kReadable, [this, &loop, &watched](uint32_t) { OnReadable(loop, watched); }));
  return {};
}

void FdWatches::OnReadable(EventLoop& loop, Watched& watched) {
  std::vector<char> bytes(watched.bytes);
  const ssize_t got = ::read(watched.fd, bytes.data(), bytes.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    // It would be readable for ever.
    Log("{}fd {} is at its end and is watched no more", prefix_, watched.fd);
    return loop.Unwatch(std::exchange(watched.watch, 0));
  }
  watched.written();
}

}  // namespace uwsgi
