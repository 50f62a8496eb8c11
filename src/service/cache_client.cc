// SPDX-License-Identifier: Apache-2.0
#include "service/cache_client.h"

#include <cstring>

#include "service/cache_remote.h"

namespace uwsgi {
namespace {

// NAME@ADDRESS.
RemoteCache RemoteOf(ByteView where) {
  const size_t at = where.find('@');
  return {where.substr(at + 1), where.substr(0, at)};
}

}  // namespace

std::optional<CacheValue> CacheClient::Get(ByteView where, ByteView key) const {
  if (IsRemote(where)) {
    auto value = RemoteOf(where).Get(key);
    if (!value) return std::nullopt;
    return std::move(*value);
  }
  Cache* const cache = Local(where);
  return cache == nullptr ? std::nullopt : cache->Get(key);
}

bool CacheClient::Set(ByteView where, ByteView key, ByteView value, int64_t seconds,
                      Cache::SetMode mode) const {
  if (IsRemote(where)) return RemoteOf(where).Set(key, value, seconds, mode).has_value();
  Cache* const cache = Local(where);
  return cache != nullptr &&
         cache->Set(key, value, Cache::ExpiryAfter(seconds), mode) == CacheStored::kYes;
}

bool CacheClient::Exists(ByteView where, ByteView key) const {
  if (IsRemote(where)) return RemoteOf(where).Exists(key).has_value();
  Cache* const cache = Local(where);
  return cache != nullptr && cache->Exists(key);
}

bool CacheClient::Delete(ByteView where, ByteView key) const {
  if (IsRemote(where)) return RemoteOf(where).Delete(key).has_value();
  Cache* const cache = Local(where);
  return cache != nullptr && cache->Delete(key);
}

bool CacheClient::Clear(ByteView where) const {
  if (IsRemote(where)) return RemoteOf(where).Clear().has_value();
  Cache* const cache = Local(where);
  if (cache == nullptr) return false;
  cache->Clear();
  return true;
}

int64_t CacheClient::Number(ByteView where, ByteView key) const {
  const auto value = Get(where, key);
  int64_t number = 0;
  if (value && value->bytes.size() == sizeof number)
    std::memcpy(&number, value->bytes.data(), sizeof number);
  return number;
}

bool CacheClient::Calculate(ByteView where, ByteView key, CacheMath operation, int64_t operand,
                            int64_t seconds) const {
  Cache* const cache = Local(where);
  return cache != nullptr && cache->Calculate(key, operation, operand,
                                              Cache::ExpiryAfter(seconds)) == CacheStored::kYes;
}

}  // namespace uwsgi
