// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/cache.h"

namespace uwsgi {

// A cache of another server, by its address and name (empty: its first one). Each call is a
// connection of its own and waits; an error says that there is none or that it refused.
class RemoteCache {
 public:
  RemoteCache(ByteView address, ByteView name) : address_(address), name_(name) {}

  [[nodiscard]] Result<CacheValue> Get(ByteView key) const;
  // `seconds` from now.
  Status Set(ByteView key, ByteView value, int64_t seconds, Cache::SetMode mode) const;
  [[nodiscard]] Status Exists(ByteView key) const;
  Status Delete(ByteView key) const;
  Status Clear() const;
  // All that it holds is put into `into`; the number of entries.
  Result<size_t> CopyTo(Cache& into) const;

 private:
  ByteView address_;
  ByteView name_;
};

}  // namespace uwsgi
