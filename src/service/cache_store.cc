// SPDX-License-Identifier: Apache-2.0
#include "service/cache_store.h"

#include <unistd.h>

#include <cerrno>
#include <random>

#include "base/log.h"
#include "service/cache_hash.h"

namespace uwsgi {
namespace {

Error StoreError(const CacheSpec& spec, std::string_view what) {
  return {.message = fmt::format("invalid cache store file {}: {} (cache \"{}\", {})", spec.store,
                                 what, spec.name, spec.origin)};
}

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

// What there is at the path of a store.
enum class Found : uint8_t { kNothing, kStore, kForeign };

// For map_error: what went wrong with the file, as the cache says it.
auto AsStoreErrorOf(const CacheSpec& spec) {
  return [&spec](const Error& error) { return StoreError(spec, error.text()); };
}

Result<StoreFile> OpenFor(const CacheSpec& spec, StoreUse use) {
  return StoreFile::Open(spec.store, use).map_error(AsStoreErrorOf(spec));
}

Result<Found> LookAt(const StoreFile& file, const CacheSpec& spec, size_t size) {
  const uint64_t found = TRY(file.Size());
  if (found <= size && TRY(file.IsBlank())) return Found::kNothing;
  if (found != size) return Found::kForeign;
  const CacheMemory memory(TRY(SharedMapping::OfFile(file.fd.get(), size)), spec);
  return memory.Fits(spec) ? Found::kStore : Found::kForeign;
}

Error NotOurs(const CacheSpec& spec) {
  return StoreError(spec, "it was made for another configuration, or by another program");
}

// Looks at entries one after the other; those that pass do not overlap.
class Inspector {
 public:
  Inspector(const CacheMemory& memory, const CacheSpec& spec)
      : memory_(memory), spec_(spec), taken_(memory.block_count()) {}

  bool operator()(CacheSlot& slot) {
    if (slot.key_size == 0 || slot.key_size > spec_.keysize) return false;
    if (slot.value_size == 0 || slot.value_size > spec_.longest_value()) return false;
    const uint64_t extent = slot.extent.load(std::memory_order_relaxed);
    if (CountOf(extent) != memory_.BlocksFor(slot.key_size, slot.value_size)) return false;
    if (FirstOf(extent) + CountOf(extent) > taken_.size()) return false;
    const uint64_t seed = memory_.header().seed;
    if (slot.hash != HashBytes(memory_.KeyOf(slot), seed)) return false;
    if (slot.state.load(std::memory_order_relaxed) !=
        CacheSpace::CompleteOf(memory_.StripeOf(slot.hash)))
      return false;
    if (slot.checksum != Cache::ChecksumOf(memory_.KeyOf(slot), memory_.ValueOf(slot), seed))
      return false;
    return Claim(extent);
  }

 private:
  bool Claim(uint64_t extent) {
    for (uint64_t i = FirstOf(extent); i < FirstOf(extent) + CountOf(extent); ++i) {
      if (taken_[i]) return false;
    }
    for (uint64_t i = FirstOf(extent); i < FirstOf(extent) + CountOf(extent); ++i) taken_[i] = true;
    return true;
  }

  const CacheMemory& memory_;
  const CacheSpec& spec_;
  std::vector<bool> taken_;
};

Result<std::unique_ptr<Cache>> OpenStore(const CacheSpec& spec, StoreUse use) {
  const size_t size = TRY(CacheMemory::SizeOf(spec));
  StoreFile file = TRY(OpenFor(spec, use));
  Found found = TRY(LookAt(file, spec, size));
  if (found == Found::kForeign) {
    if (!spec.store_delete) return tl::unexpected(NotOurs(spec));
    Log("removing invalid cache store file: {}", spec.store);
    // Old workers may still have it mapped: it has to stay as it is for them.
    if (::unlink(spec.store.c_str()) != 0) return ErrnoError("remove " + spec.store, errno);
    file = TRY(OpenFor(spec, use));
    found = Found::kNothing;
  }
  TRY_STATUS(file.Resize(size).map_error(AsStoreErrorOf(spec)));
  CacheMemory memory(TRY(SharedMapping::OfFile(file.fd.get(), size)), spec);
  if (found == Found::kNothing) memory.Format(spec, RandomSeed());
  if (file.is_alone) memory.RenewLocks();
  auto cache = std::make_unique<Cache>(spec, std::move(memory));
  if (file.is_alone) cache->RepairAll(Inspector(cache->memory(), spec));
  if (found == Found::kStore)
    Log("recovered {} items from cache store file {}", cache->stats().items, spec.store);
  cache->KeepOpen(std::move(file.fd));
  return cache;
}

// A trial finds out what the start would say, and changes nothing.
Status TryStore(const CacheSpec& spec) {
  const size_t size = TRY(CacheMemory::SizeOf(spec));
  const auto file = TRY(StoreFile::TryOpen(spec.store, size).map_error(AsStoreErrorOf(spec)));
  if (!file) return {};
  const bool is_foreign = TRY(LookAt(*file, spec, size)) == Found::kForeign;
  if (is_foreign && !spec.store_delete) return tl::unexpected(NotOurs(spec));
  const Status done = is_foreign ? StoreFile::TryMake(spec.store, size) : file->TryResize(size);
  return done.map_error(AsStoreErrorOf(spec));
}

}  // namespace

Result<std::unique_ptr<Cache>> OpenCache(const CacheSpec& spec, StoreUse use) {
  if (!spec.store.empty() && use != StoreUse::kNone) return OpenStore(spec, use);
  if (!spec.store.empty()) TRY_STATUS(TryStore(spec));
  return Cache::Create(spec);
}

}  // namespace uwsgi
