// SPDX-License-Identifier: Apache-2.0
#include "service/cache_remote.h"

#include <algorithm>

#include "service/packet_client.h"
#include "wire/cache_packet.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr uint64_t kLongestValue = uint64_t{1} << 31;
constexpr int64_t kCopyTimeoutMs = 60'000;

// Sends a command with what follows it, and returns the value of the answer.
Result<CacheValue> Ask(ByteView address, const CacheCommand& command, ByteView value) {
  const std::string packet = TRY(MakeCachePacket(command));
  PacketClient client = TRY(PacketClient::Connect(address));
  TRY_STATUS(client.Send(packet));
  TRY_STATUS(client.Send(value));
  const std::string head = TRY(client.Receive(kUwsgiHeaderSize));
  const auto header = *ReadUwsgiHeader(head);
  if (header.modifier1 != kCacheModifier) return Fail("not an answer of a cache");
  const std::string block = TRY(client.Receive(header.size));
  const CacheCommand answer = TRY(ReadCacheCommand(block));
  if (answer.status != "ok") return Fail("refused");
  if (answer.size > kLongestValue) return Fail("the value is too long");
  return CacheValue{TRY(client.Receive(answer.size)), answer.expires};
}

Status Tell(ByteView address, const CacheCommand& command, ByteView value = {}) {
  TRY(Ask(address, command, value));
  return {};
}

// Takes whole records off the front and stores them; true when the last one has come.
Result<bool> StoreRecords(std::string& bytes, Cache& into, size_t& stored) {
  ByteView rest = bytes;
  bool is_end = false;
  while (const auto record = TakeCacheRecord(rest)) {
    is_end = record->key.empty();
    if (is_end) break;
    if (into.Set(record->key, record->value, record->expires, Cache::SetMode::kReplace) ==
        CacheStored::kYes)
      ++stored;
  }
  bytes.erase(0, bytes.size() - rest.size());
  if (!is_end && bytes.size() > kLongestValue) return Fail("an entry is too long");
  return is_end;
}

}  // namespace

Result<CacheValue> RemoteCache::Get(ByteView key) const {
  return Ask(address_, {.cmd = "get", .key = key, .cache = name_}, {});
}

Status RemoteCache::Set(ByteView key, ByteView value, int64_t seconds, Cache::SetMode mode) const {
  return Tell(address_,
              {.cmd = mode == Cache::SetMode::kAdd ? "set" : "update",
               .key = key,
               .cache = name_,
               .expires = std::max<int64_t>(seconds, 0),
               .size = value.size()},
              value);
}

Status RemoteCache::Exists(ByteView key) const {
  return Tell(address_, {.cmd = "exists", .key = key, .cache = name_});
}

Status RemoteCache::Delete(ByteView key) const {
  return Tell(address_, {.cmd = "del", .key = key, .cache = name_});
}

Status RemoteCache::Clear() const { return Tell(address_, {.cmd = "clear", .cache = name_}); }

Result<size_t> RemoteCache::CopyTo(Cache& into) const {
  PacketClient client = TRY(PacketClient::Connect(address_, kCopyTimeoutMs));
  const std::string packet =
      TRY(MakeUwsgiPacket(kCacheModifier, static_cast<uint8_t>(CacheRequest::kDump), name_));
  TRY_STATUS(client.Send(packet));
  const std::string head = TRY(client.Receive(kUwsgiHeaderSize));
  const auto header = *ReadUwsgiHeader(head);
  if (header.modifier1 != kCacheModifier ||
      header.modifier2 != static_cast<uint8_t>(CacheRequest::kDumpReply))
    return Fail("not a dump of a cache");
  bool has_records = false;
  const std::string block = TRY(client.Receive(header.size));
  TRY_STATUS(ForEachVar(block, 16, [&](ByteView name, ByteView value) {
    has_records |= name == "format" && value == "records";
  }));
  // The predecessor sends an image of its memory, which only it can read.
  if (!has_records) return Fail("the server does not send its cache entry by entry");
  size_t stored = 0;
  std::string bytes;
  for (;;) {
    bytes += TRY(client.ReceiveSome());
    if (TRY(StoreRecords(bytes, into, stored))) return stored;
  }
}

}  // namespace uwsgi
