// SPDX-License-Identifier: Apache-2.0
#include "service/spool_task.h"

#include "base/strings.h"
#include "service/spool_name.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr size_t kMaxFields = 16384;
constexpr size_t kMaxFileName = 255;

// A whole number of seconds, with a fraction that is dropped.
std::optional<int64_t> ParseTime(std::string_view text) {
  text = Trim(text);
  const size_t point = text.find('.');
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (!fraction.empty() && !ParseInt(fraction.substr(0, 18))) return std::nullopt;
    text = text.substr(0, point);
  }
  return ParseInt(text);
}

}  // namespace

std::optional<std::string_view> SpoolTask::Find(std::string_view key) const {
  for (const auto& [name, value] : fields) {
    if (name == key) return value;
  }
  return std::nullopt;
}

void SpoolTask::Set(std::string_view key, std::string_view value) {
  for (auto& [name, known] : fields) {
    if (name != key) continue;
    known = value;
    return;
  }
  fields.emplace_back(key, value);
}

Result<std::string> EncodeSpoolTask(const SpoolTask& task) {
  std::string block;
  for (const auto& [key, value] : task.fields) {
    if (key.empty()) return Fail("a key is empty");
    if (key.size() > kMaxUwsgiBlock) return Fail("a key is longer than 64 KiB");
    if (value.size() > kMaxUwsgiBlock) {
      return Fail("the value of \"{}\" has {} bytes: use the body for more than 64 KiB", key,
                  value.size());
    }
    TRY_STATUS(AppendVar(block, key, value));
  }
  if (block.size() > kMaxUwsgiBlock) {
    return Fail("keys and values take {} bytes: use the body for more than 64 KiB", block.size());
  }
  if (task.fields.size() > kMaxFields) return Fail("more than {} keys", kMaxFields);
  if (task.body.size() > static_cast<size_t>(kMaxSpoolFile) - 2 * kMaxUwsgiBlock)
    return Fail("the body has {} bytes, more than 1 GiB", task.body.size());
  std::string bytes = TRY(MakeUwsgiPacket(kSpoolModifier, 0, block));
  bytes += task.body;
  return bytes;
}

size_t SizeOfSpoolFile(const SpoolTask& task) {
  size_t size = kUwsgiHeaderSize + task.body.size();
  for (const auto& [key, value] : task.fields) size += 4 + key.size() + value.size();
  return size;
}

size_t MissingSpoolBytes(ByteView bytes) {
  const auto header = ReadUwsgiHeader(bytes);
  if (!header) return kUwsgiHeaderSize - bytes.size();
  const size_t whole = kUwsgiHeaderSize + header->size;
  return bytes.size() < whole ? whole - bytes.size() : 0;
}

Result<SpoolTask> DecodeSpoolTask(ByteView bytes) {
  const auto header = ReadUwsgiHeader(bytes);
  if (!header) return Fail("it is shorter than its header");
  if (header->modifier1 != kSpoolModifier)
    return Fail("its first byte is {} and not {}", header->modifier1, kSpoolModifier);
  if (MissingSpoolBytes(bytes) > 0)
    return Fail("it ends {} bytes before its fields do", MissingSpoolBytes(bytes));
  SpoolTask task;
  TRY_STATUS(ForEachVar(bytes.substr(kUwsgiHeaderSize, header->size), kMaxFields,
                        [&task](ByteView key, ByteView value) { task.Set(key, value); }));
  task.body = bytes.substr(kUwsgiHeaderSize + header->size);
  return task;
}

bool IsPriorityName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxFileName && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos &&
         name != kFailedFolder && !name.starts_with(kSpoolPrefix);
}

Result<SpoolPlacement> PlacementOf(const SpoolTask& task) {
  SpoolPlacement placement;
  placement.spooler = task.Find("spooler").value_or("");
  placement.priority = task.Find("priority").value_or("");
  if (!placement.priority.empty() && !IsPriorityName(placement.priority))
    return Fail("priority \"{}\" cannot be the name of a directory", placement.priority);
  if (const auto at = task.Find("at")) {
    placement.at_s = ParseTime(*at);
    if (!placement.at_s) return Fail("at = \"{}\": seconds since 1970 are needed", *at);
  }
  return placement;
}

}  // namespace uwsgi
