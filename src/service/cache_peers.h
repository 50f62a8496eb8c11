// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "net/address.h"
#include "service/cache.h"

namespace uwsgi {

// Tells other servers about changes of a cache, by one UDP datagram each: what is lost is lost, and
// so is what does not fit (64 KiB). Never waits. Thread-safe.
class CacheTeller {
 public:
  static Result<CacheTeller> Create(const std::vector<std::string>& nodes);
  void Tell(const CacheNotice& notice) const;

 private:
  struct Way {
    UniqueFd socket;
    SocketAddress address;
  };
  std::vector<Way> ways_;
};

// Hears what other servers tell about their caches and does the same to one of this server.
class CacheHearer {
 public:
  static Result<CacheHearer> Bind(const std::string& address, Cache& cache);
  [[nodiscard]] int fd() const { return socket_.get(); }
  // Takes what has come.
  void Hear();

 private:
  CacheHearer(UniqueFd socket, Cache& cache) : socket_(std::move(socket)), cache_(&cache) {}
  UniqueFd socket_;
  Cache* cache_;
};

}  // namespace uwsgi
