// SPDX-License-Identifier: Apache-2.0
#include "wire/cache_packet.h"

#include <cstring>
#include <limits>

#include "base/strings.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr size_t kMostVars = 32;

void AppendLe(std::string& to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

uint64_t ReadLe(const char* at, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

// A decimal number that may be negative.
std::optional<int64_t> ReadNumber(ByteView text) {
  const bool is_negative = text.starts_with('-');
  const auto number = ParseInt(text.substr(is_negative ? 1 : 0));
  if (!number) return std::nullopt;
  return is_negative ? -*number : *number;
}

struct TextRow {
  ByteView name;
  ByteView CacheCommand::*member;
};
constexpr TextRow kTexts[] = {{"cmd", &CacheCommand::cmd},
                              {"status", &CacheCommand::status},
                              {"key", &CacheCommand::key},
                              {"get", &CacheCommand::get},
                              {"cache", &CacheCommand::cache}};

// False when the value of a number is none.
bool Assign(CacheCommand& command, ByteView name, ByteView value) {
  for (const TextRow& row : kTexts) {
    if (row.name == name) command.*row.member = value;
  }
  if (name != "expires" && name != "size") return true;
  const auto number = ReadNumber(value);
  if (!number || (name == "size" && *number < 0)) return false;
  if (name == "size") {
    command.size = static_cast<uint64_t>(*number);
  } else {
    command.expires = *number;
  }
  return true;
}

}  // namespace

Result<CacheCommand> ReadCacheCommand(ByteView block) {
  CacheCommand command;
  bool has_numbers = true;
  TRY_STATUS(ForEachVar(block, kMostVars, [&](ByteView name, ByteView value) {
    has_numbers = Assign(command, name, value) && has_numbers;
  }));
  if (!has_numbers) return Fail("size or expires is no number");
  return command;
}

Result<std::string> MakeCachePacket(const CacheCommand& command) {
  std::string block;
  for (const TextRow& row : kTexts) {
    if (!(command.*row.member).empty()) TRY_STATUS(AppendVar(block, row.name, command.*row.member));
  }
  if (command.size != 0) TRY_STATUS(AppendVar(block, "size", std::to_string(command.size)));
  if (command.expires != 0)
    TRY_STATUS(AppendVar(block, "expires", std::to_string(command.expires)));
  return MakeUwsgiPacket(kCacheModifier, static_cast<uint8_t>(CacheRequest::kCommand), block);
}

std::optional<std::vector<ByteView>> ReadItems(ByteView block) {
  std::vector<ByteView> items;
  UwsgiItems walk(block);
  while (const auto item = walk.Next()) items.push_back(*item);
  if (walk.failed()) return std::nullopt;
  return items;
}

Result<CacheNotice> ReadCacheNotice(ByteView packet) {
  const auto header = ReadUwsgiHeader(packet);
  if (!header || header->modifier1 != kCacheModifier ||
      header->size != packet.size() - kUwsgiHeaderSize) {
    return Fail("not a cache notice");
  }
  const auto items = ReadItems(packet.substr(kUwsgiHeaderSize));
  const bool is_set = header->modifier2 == static_cast<uint8_t>(CacheRequest::kNoticeSet);
  const bool is_delete = header->modifier2 == static_cast<uint8_t>(CacheRequest::kNoticeDelete);
  if (!items || items->empty() || items->front().empty() || !(is_set || is_delete))
    return Fail("malformed cache notice");
  if (is_delete) {
    if (items->size() != 1) return Fail("malformed cache notice");
    return CacheNotice{.key = items->front()};
  }
  if (items->size() != 3) return Fail("malformed cache notice");
  const auto expires = (*items)[2].empty() ? 0 : ReadNumber((*items)[2]);
  if (!expires) return Fail("malformed cache notice");
  return CacheNotice{.key = items->front(), .value = (*items)[1], .expires = *expires};
}

Result<std::string> MakeCacheNotice(const CacheNotice& notice) {
  std::string block;
  TRY_STATUS(AppendItem(block, notice.key));
  if (!notice.value)
    return MakeUwsgiPacket(kCacheModifier, static_cast<uint8_t>(CacheRequest::kNoticeDelete),
                           block);
  TRY_STATUS(AppendItem(block, *notice.value));
  TRY_STATUS(AppendItem(block, std::to_string(notice.expires)));
  return MakeUwsgiPacket(kCacheModifier, static_cast<uint8_t>(CacheRequest::kNoticeSet), block);
}

void AppendCacheRecord(std::string& to, const CacheRecord& record) {
  AppendLe(to, record.key.size(), 4);
  AppendLe(to, record.value.size(), 8);
  AppendLe(to, static_cast<uint64_t>(record.expires), 8);
  to.append(record.key).append(record.value);
}

std::optional<CacheRecord> TakeCacheRecord(ByteView& bytes) {
  if (bytes.size() < kCacheRecordHead) return std::nullopt;
  const uint64_t key_size = ReadLe(bytes.data(), 4);
  const uint64_t value_size = ReadLe(bytes.data() + 4, 8);
  const uint64_t rest = bytes.size() - kCacheRecordHead;
  if (key_size > rest || value_size > rest - key_size) return std::nullopt;
  CacheRecord record{.key = bytes.substr(kCacheRecordHead, key_size),
                     .value = bytes.substr(kCacheRecordHead + key_size, value_size),
                     .expires = static_cast<int64_t>(ReadLe(bytes.data() + 12, 8))};
  bytes.remove_prefix(kCacheRecordHead + key_size + value_size);
  return record;
}

}  // namespace uwsgi
