// SPDX-License-Identifier: Apache-2.0
#include "service/caches.h"

#include "base/file.h"
#include "base/log.h"
#include "service/cache_peers.h"
#include "service/cache_remote.h"
#include "service/cache_store.h"
#include "wire/compress.h"

namespace uwsgi {
namespace {

// A trial tells nobody, but the names of its nodes must be ones that can be found.
Status FindNodes(Cache& cache, StoreUse use) {
  const CacheSpec& spec = cache.spec();
  if (spec.nodes.empty()) return {};
  auto teller = CacheTeller::Create(spec.nodes);
  if (!teller)
    return WithContext(fmt::format("cache \"{}\" ({})", spec.name, spec.origin), teller.error());
  if (use == StoreUse::kNone) return {};
  cache.OnChange([shared = std::make_shared<CacheTeller>(std::move(*teller))](
                     const CacheNotice& notice) { shared->Tell(notice); });
  return {};
}

Status CopyFromPeers(Cache& cache) {
  const CacheSpec& spec = cache.spec();
  for (const std::string& server : spec.sync) {
    const auto copied = RemoteCache(server, spec.name).CopyTo(cache);
    if (copied) {
      Log("[cache-sync] {} items of cache \"{}\" taken from {}", *copied, spec.name, server);
      return {};
    }
    Log("[cache-sync] unable to take cache \"{}\" from {}: {}", spec.name, server,
        copied.error().text());
  }
  if (spec.sync.empty()) return {};
  return Fail("cache \"{}\": none of its sync servers has given it ({})", spec.name, spec.origin);
}

// What other servers have to do with a cache. No trial can prove it, and after a reload there is no
// way back: then it costs a line, not the server.
Status Forgive(Status done, StoreUse use) {
  if (done || use != StoreUse::kInherit) return done;
  Log("*** WARNING: {} ***", done.error().text());
  return {};
}

void LogCache(const CacheSpec& spec, size_t size) {
  const uint64_t entry = sizeof(CacheSlot) + spec.keysize;
  Log("*** Cache \"{}\" initialized: {}MB (key: {} bytes, keys: {} bytes, data: {} bytes, bitmap: "
      "{} bytes) preallocated ***",
      spec.name, size / (1024 * 1024), entry, entry * spec.items,
      spec.block_count() * spec.blocksize, spec.bitmap ? (spec.block_count() + 7) / 8 : 0);
}

}  // namespace

Result<Caches> Caches::Create(const CachesSpec& spec, StoreUse use) {
  Caches caches;
  caches.sweep_every_s_ = spec.sweep_every_s;
  caches.report_freed_ = spec.report_freed;
  for (const CacheSpec& cache : spec.caches) {
    caches.caches_.push_back(TRY(OpenCache(cache, use)));
    TRY_STATUS(Forgive(FindNodes(*caches.caches_.back(), use), use));
    if (use == StoreUse::kNone) continue;
    TRY_STATUS(Forgive(CopyFromPeers(*caches.caches_.back()), use));
    LogCache(cache, caches.caches_.back()->size());
  }
  for (const CacheItem& item : spec.items) TRY_STATUS(caches.Put(item));
  return caches;
}

Cache* Caches::Find(ByteView name) const {
  if (name.empty()) return caches_.empty() ? nullptr : caches_.front().get();
  for (const auto& cache : caches_) {
    if (cache->name() == name) return cache.get();
  }
  return nullptr;
}

namespace {

Result<std::string> ValueOf(const CacheItem& item) {
  if (item.source == CacheItem::Source::kText) return item.value;
  auto read = ReadFile(item.value);
  if (!read) return WithContext(item.origin, read.error());
  if (item.source == CacheItem::Source::kFile) return *std::move(read);
  return GzipBytes(*read);
}

Status PutInto(Cache& cache, const CacheItem& item, ByteView value) {
  // compat: a store may hold it already, and then the stored value stays.
  const CacheStored stored = cache.Set(item.key, value, 0, Cache::SetMode::kAdd);
  if (stored != CacheStored::kYes && stored != CacheStored::kExists) {
    const auto failed =
        Fail("\"{:.80}\" cannot be put into cache \"{}\": {} ({})", item.key, cache.name(),
             stored == CacheStored::kFull ? "it is full" : "key or value is empty or too long",
             item.origin);
    // What a cache has kept or taken from others is no mistake of the configuration.
    const bool began_empty = cache.spec().store.empty() && cache.spec().sync.empty();
    if (stored != CacheStored::kFull || began_empty) return failed;
    Log("*** WARNING: {} ***", failed.value().text());
  }
  if (stored == CacheStored::kYes)
    Log("[{}] stored \"{}\" in \"{}\"",
        item.source == CacheItem::Source::kGzippedFile ? "cache-gzip" : "cache", item.key,
        cache.name());
  return {};
}

}  // namespace

Status Caches::Put(const CacheItem& item) const {
  const std::string value = TRY(ValueOf(item));
  if (!item.cache.empty()) {
    Cache* const cache = Find(item.cache);
    if (cache == nullptr) return Fail("there is no cache \"{}\" ({})", item.cache, item.origin);
    return PutInto(*cache, item, value);
  }
  // compat: without a name it goes into every cache; it has to fit into one of them.
  Status last = Fail("there is no cache for \"{:.80}\" ({})", item.key, item.origin);
  size_t places = 0;
  for (const auto& cache : caches_) {
    Status done = PutInto(*cache, item, value);
    if (done) {
      ++places;
    } else {
      last = std::move(done);
    }
  }
  if (places != 0 && places != caches_.size()) Log("{}", last.error().text());
  return places != 0 ? Status() : last;
}

void Caches::Sweep() const {
  for (const auto& cache : caches_) {
    if (cache->spec().lazy_expire) continue;
    const size_t freed = cache->Sweep();
    if (report_freed_ && freed > 0) Log("freed {} items for cache \"{}\"", freed, cache->name());
  }
}

}  // namespace uwsgi
