// SPDX-License-Identifier: Apache-2.0
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

// Takes a length and as many bytes off the front; nullopt when they are not there.
std::optional<ByteView> TakeCounted(ByteView& rest) {
  if (rest.size() < 2) return std::nullopt;
  const size_t size = ReadLe16(rest.data());
  if (rest.size() - 2 < size) return std::nullopt;
  const ByteView bytes = rest.substr(2, size);
  rest.remove_prefix(2 + size);
  return bytes;
}

void AppendCounted(std::string& to, ByteView bytes) {
  AppendLe16(to, static_cast<uint16_t>(bytes.size()));
  to.append(bytes);
}

}  // namespace

std::optional<UwsgiHeader> ReadUwsgiHeader(ByteView in) {
  if (in.size() < kUwsgiHeaderSize) return std::nullopt;
  return UwsgiHeader{static_cast<uint8_t>(in[0]), ReadLe16(in.data() + 1),
                     static_cast<uint8_t>(in[3])};
}

void AppendUwsgiHeader(std::string& to, const UwsgiHeader& header) {
  to.push_back(static_cast<char>(header.modifier1));
  AppendLe16(to, header.size);
  to.push_back(static_cast<char>(header.modifier2));
}

std::optional<UwsgiVar> UwsgiVars::Fail(const char* reason) {
  reason_ = reason;
  rest_ = {};
  return std::nullopt;
}

std::optional<UwsgiVar> UwsgiVars::Next() {
  if (rest_.empty()) return std::nullopt;
  const auto key = TakeCounted(rest_);
  if (!key) return Fail("a key runs past the end of the block");
  if (key->empty()) return Fail("a key is empty");
  const auto value = TakeCounted(rest_);
  if (!value) return Fail("a value runs past the end of the block");
  return UwsgiVar{*key, *value};
}

std::optional<ByteView> UwsgiItems::Next() {
  if (rest_.empty()) return std::nullopt;
  const auto item = TakeCounted(rest_);
  if (item) return item;
  failed_ = true;
  rest_ = {};
  return std::nullopt;
}

Status AppendVar(std::string& block, ByteView key, ByteView value) {
  if (key.empty()) return Fail("a variable needs a name");
  if (key.size() > kMaxUwsgiBlock || value.size() > kMaxUwsgiBlock)
    return Fail("variable {:.60} is longer than 65535 bytes", key);
  AppendCounted(block, key);
  AppendCounted(block, value);
  return {};
}

Status AppendItem(std::string& block, ByteView item) {
  if (item.size() > kMaxUwsgiBlock) return Fail("an item is longer than 65535 bytes");
  AppendCounted(block, item);
  return {};
}

Result<std::string> MakeUwsgiPacket(uint8_t modifier1, uint8_t modifier2, ByteView block) {
  if (block.size() > kMaxUwsgiBlock)
    return Fail("a block of {} bytes does not fit a uwsgi packet", block.size());
  std::string packet;
  packet.reserve(kUwsgiHeaderSize + block.size());
  AppendUwsgiHeader(packet, {modifier1, static_cast<uint16_t>(block.size()), modifier2});
  return packet.append(block);
}

}  // namespace uwsgi
