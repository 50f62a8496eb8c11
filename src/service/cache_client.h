// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/caches.h"

namespace uwsgi {

// The caches as applications name them: NAME for one of this server, empty for its first one,
// NAME@ADDRESS and @ADDRESS for those of another. A cache that is not there, or not reachable, has
// nothing and takes nothing. Remote calls wait for the other server; the rest waits for locks only.
class CacheClient {
 public:
  explicit CacheClient(const Caches* caches) : caches_(caches) {}

  [[nodiscard]] static bool IsRemote(ByteView where) { return where.find('@') != ByteView::npos; }
  // One of this server's, null when it has none of that name.
  [[nodiscard]] Cache* Local(ByteView where) const {
    return caches_ == nullptr ? nullptr : caches_->Find(where);
  }

  [[nodiscard]] std::optional<CacheValue> Get(ByteView where, ByteView key) const;
  // `seconds` from now, 0 and less for never.
  bool Set(ByteView where, ByteView key, ByteView value, int64_t seconds,
           Cache::SetMode mode) const;
  [[nodiscard]] bool Exists(ByteView where, ByteView key) const;
  bool Delete(ByteView where, ByteView key) const;
  bool Clear(ByteView where) const;
  // 0 when there is no number.
  [[nodiscard]] int64_t Number(ByteView where, ByteView key) const;
  // Of local caches only.
  bool Calculate(ByteView where, ByteView key, CacheMath operation, int64_t operand,
                 int64_t seconds) const;

 private:
  const Caches* caches_;
};

}  // namespace uwsgi
