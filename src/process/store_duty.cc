// SPDX-License-Identifier: Apache-2.0
#include "process/store_duty.h"

#include "net/poller.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

}  // namespace

Status StoreDuty::Begin(MasterDesk& desk) {
  if (!caches_.all().empty())
    desk.loop().Every(caches_.sweep_every_s() * kSecond, [this] { caches_.Sweep(); });
  for (const auto& cache : caches_.all()) {
    if (cache->spec().store.empty() || cache->spec().store_sync_s == 0) continue;
    desk.loop().Every(cache->spec().store_sync_s * kSecond, [&cache = *cache] { cache.Flush(); });
  }
  if (queue_ != nullptr && queue_->store_sync_s() > 0)
    desk.loop().Every(queue_->store_sync_s() * kSecond, [this] { queue_->Flush(); });
  return HearOthers(desk);
}

Status StoreDuty::HearOthers(MasterDesk& desk) {
  size_t count = 0;
  for (const auto& cache : caches_.all()) count += cache->spec().udp.size();
  hearers_.reserve(count);  // the loop's callbacks point to them
  for (const auto& cache : caches_.all()) {
    for (const std::string& address : cache->spec().udp) {
      auto hearer = CacheHearer::Bind(address, *cache);
      if (!hearer) return WithContext(cache->spec().origin, hearer.error());
      CacheHearer& kept = hearers_.emplace_back(std::move(*hearer));
      TRY(desk.loop().Watch(kept.fd(), kReadable, [&kept](uint32_t) { kept.Hear(); }));
    }
  }
  return {};
}

}  // namespace uwsgi
