// SPDX-License-Identifier: Apache-2.0
#include "service/cache_client.h"

#include <cstring>

namespace uwsgi {

std::optional<CacheValue> CacheClient::Get(ByteView where, ByteView key) const {
  Cache* const cache = Local(where);
  return cache == nullptr ? std::nullopt : cache->Get(key);
}

bool CacheClient::Set(ByteView where, ByteView key, ByteView value, int64_t seconds,
                      Cache::SetMode mode) const {
  Cache* const cache = Local(where);
  return cache != nullptr &&
         cache->Set(key, value, Cache::ExpiryAfter(seconds), mode) == CacheStored::kYes;
}

bool CacheClient::Exists(ByteView where, ByteView key) const {
  Cache* const cache = Local(where);
  return cache != nullptr && cache->Exists(key);
}

bool CacheClient::Delete(ByteView where, ByteView key) const {
  Cache* const cache = Local(where);
  return cache != nullptr && cache->Delete(key);
}

bool CacheClient::Clear(ByteView where) const {
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
