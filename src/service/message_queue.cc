// SPDX-License-Identifier: Apache-2.0
#include "service/message_queue.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

namespace uwsgi {

struct MessageQueue::Header {
  static constexpr char kMagic[8] = {'u', 'w', 's', 'g', 'i', 'q', 'u', '1'};
  char magic[8];
  uint64_t slots;
  uint64_t blocksize;
  SharedMutex mutex;
  std::atomic<uint64_t> push_at;
  std::atomic<uint64_t> pull_at;
};

struct MessageQueue::Slot {
  std::atomic<uint64_t> size;  // 0: empty. Written last, so a slot is whole or empty.
  uint64_t unused;
  char bytes[1];
};

namespace {

// The slots begin at a page of their own.
constexpr uint64_t kHeaderSize = 4096;
// Slots begin at multiples of eight.
uint64_t StrideOf(uint64_t blocksize) { return (blocksize + 7) / 8 * 8; }

constexpr auto kRelaxed = std::memory_order_relaxed;

Error StoreError(const QueueSpec& spec, std::string_view what) {
  return {.message =
              fmt::format("invalid queue store file {}: {} ({})", spec.store, what, spec.origin)};
}

// For map_error: what went wrong with the file, as the queue says it.
auto AsStoreErrorOf(const QueueSpec& spec) {
  return [&spec](const Error& error) { return StoreError(spec, error.text()); };
}

}  // namespace

MessageQueue::MessageQueue(SharedMapping mapping, const QueueSpec& spec)
    : mapping_(std::move(mapping)),
      slots_(spec.slots),
      blocksize_(spec.blocksize),
      store_sync_s_(spec.store_sync_s) {}

MessageQueue::Header& MessageQueue::header() const {
  return *reinterpret_cast<Header*>(mapping_.data());
}

MessageQueue::Slot& MessageQueue::slot(uint64_t index) const {
  return *reinterpret_cast<Slot*>(mapping_.data() + kHeaderSize + index * StrideOf(blocksize_));
}

Result<MessageQueue> MessageQueue::Create(const QueueSpec& spec, StoreUse use) {
  const uint64_t size = kHeaderSize + spec.slots * StrideOf(spec.blocksize);
  if (!spec.store.empty() && use != StoreUse::kNone) return OpenStore(spec, size, use);
  if (!spec.store.empty()) TRY_STATUS(TryStore(spec, size));
  MessageQueue queue(TRY(SharedMapping::Anonymous(size)), spec);
  new (&queue.header().mutex) SharedMutex();
  return queue;
}

Result<MessageQueue> MessageQueue::OpenStore(const QueueSpec& spec, uint64_t size, StoreUse use) {
  StoreFile file = TRY(StoreFile::Open(spec.store, use).map_error(AsStoreErrorOf(spec)));
  TRY_STATUS(CheckStore(file, spec, size));
  TRY_STATUS(file.Resize(size).map_error(AsStoreErrorOf(spec)));
  MessageQueue queue(TRY(SharedMapping::OfFile(file.fd.get(), size)), spec);
  queue.file_ = std::move(file.fd);
  Header& header = queue.header();
  // Otherwise the workers of before have the lock and move the positions.
  if (file.is_alone) {
    new (&header.mutex) SharedMutex();
    header.push_at.store(header.push_at.load(kRelaxed) % spec.slots, kRelaxed);
    header.pull_at.store(header.pull_at.load(kRelaxed) % spec.slots, kRelaxed);
  }
  header.slots = spec.slots;
  header.blocksize = spec.blocksize;
  std::memcpy(header.magic, Header::kMagic, sizeof header.magic);
  return queue;
}

// A trial finds out what the start would say, and changes nothing.
Status MessageQueue::TryStore(const QueueSpec& spec, uint64_t size) {
  const auto file = TRY(StoreFile::TryOpen(spec.store, size).map_error(AsStoreErrorOf(spec)));
  if (!file) return {};
  TRY_STATUS(CheckStore(*file, spec, size));
  return file->TryResize(size).map_error(AsStoreErrorOf(spec));
}

// Whether it is new, or a queue of this configuration.
Status MessageQueue::CheckStore(const StoreFile& file, const QueueSpec& spec, uint64_t size) {
  const uint64_t found = TRY(file.Size());
  if (found <= size && TRY(file.IsBlank())) return {};
  if (found != size)
    return tl::unexpected(StoreError(spec, fmt::format("it has {} bytes, not {}", found, size)));
  const MessageQueue queue(TRY(SharedMapping::OfFile(file.fd.get(), size)), spec);
  const Header& header = queue.header();
  if (std::memcmp(header.magic, Header::kMagic, sizeof header.magic) != 0 ||
      header.slots != spec.slots || header.blocksize != spec.blocksize) {
    return tl::unexpected(StoreError(spec, "it was made for another configuration"));
  }
  return {};
}

std::optional<std::string> MessageQueue::Read(uint64_t index) const {
  const Slot& from = slot(index);
  const uint64_t size = std::min(from.size.load(std::memory_order_acquire), longest_item());
  if (size == 0) return std::nullopt;
  return std::string(from.bytes, size);
}

std::optional<std::string> MessageQueue::Take(uint64_t index) {
  auto item = Read(index);
  slot(index).size.store(0, std::memory_order_release);
  return item;
}

bool MessageQueue::Write(uint64_t index, ByteView item) {
  if (item.empty() || item.size() > longest_item()) return false;
  Slot& to = slot(index);
  to.size.store(0, std::memory_order_release);
  std::memcpy(to.bytes, item.data(), item.size());
  to.size.store(item.size(), std::memory_order_release);
  return true;
}

bool MessageQueue::Push(ByteView item) {
  const SharedLock locked(header().mutex);
  const uint64_t at = header().push_at.load(kRelaxed);
  if (!Write(at, item)) return false;
  header().push_at.store((at + 1) % slots_, kRelaxed);
  return true;
}

std::optional<std::string> MessageQueue::Pop() {
  const SharedLock locked(header().mutex);
  const uint64_t at = (header().push_at.load(kRelaxed) + slots_ - 1) % slots_;
  auto item = Take(at);
  if (item) header().push_at.store(at, kRelaxed);
  return item;
}

std::optional<std::string> MessageQueue::Pull() {
  const SharedLock locked(header().mutex);
  const uint64_t at = header().pull_at.load(kRelaxed);
  auto item = Take(at);
  if (item) header().pull_at.store((at + 1) % slots_, kRelaxed);
  return item;
}

std::optional<std::string> MessageQueue::Get(int64_t index) const {
  if (index < 0 || static_cast<uint64_t>(index) >= slots_) return std::nullopt;
  const SharedLock locked(header().mutex);
  return Read(static_cast<uint64_t>(index));
}

bool MessageQueue::Set(int64_t index, ByteView item) {
  if (index < 0 || static_cast<uint64_t>(index) >= slots_) return false;
  const SharedLock locked(header().mutex);
  return Write(static_cast<uint64_t>(index), item);
}

std::vector<std::optional<std::string>> MessageQueue::Last(uint64_t count) const {
  const SharedLock locked(header().mutex);
  std::vector<std::optional<std::string>> items;
  uint64_t at = header().push_at.load(kRelaxed);
  for (uint64_t i = 0; i < std::min(count, slots_); ++i) {
    at = (at + slots_ - 1) % slots_;
    items.push_back(Read(at));
  }
  return items;
}

uint64_t MessageQueue::push_position() const { return header().push_at.load(kRelaxed); }
uint64_t MessageQueue::pull_position() const { return header().pull_at.load(kRelaxed); }

}  // namespace uwsgi
