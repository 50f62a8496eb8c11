// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_packet.h"

#include <algorithm>
#include <iterator>

#include "base/strings.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {

std::optional<RpcCall> ReadRpcCall(ByteView block) {
  RpcCall call;
  UwsgiItems items(block);
  const auto name = items.Next();
  if (!name || name->empty()) return std::nullopt;
  call.name = *name;
  while (const auto arg = items.Next()) call.args.push_back(*arg);
  if (items.failed()) return std::nullopt;
  return call;
}

std::optional<RpcCall> ReadRpcPath(ByteView path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return std::nullopt;
  std::vector<ByteView> parts = Split(path, '/');
  RpcCall call{.name = parts.front()};
  if (call.name.empty()) return std::nullopt;
  std::copy_if(parts.begin() + 1, parts.end(), std::back_inserter(call.args),
               [](ByteView part) { return !part.empty(); });
  return call;
}

Result<std::string> MakeRpcCall(ByteView name, const std::vector<ByteView>& args) {
  std::string block;
  TRY_STATUS(AppendItem(block, name));
  for (const ByteView arg : args) TRY_STATUS(AppendItem(block, arg));
  return MakeUwsgiPacket(kRpcModifier, static_cast<uint8_t>(RpcRequest::kCall), block);
}

std::string MakeRpcReplyHead(uint64_t size) {
  std::string head;
  if (size <= kMaxUwsgiBlock) {
    AppendUwsgiHeader(head, {kRpcModifier, static_cast<uint16_t>(size), 0});
    return head;
  }
  std::string block;
  static_cast<void>(AppendVar(block, "CONTENT_LENGTH", std::to_string(size)));  // it fits
  AppendUwsgiHeader(head, {kRpcModifier, static_cast<uint16_t>(block.size()),
                           static_cast<uint8_t>(RpcRequest::kLongReply)});
  return head.append(block);
}

Result<std::optional<RpcReplyHead>> ReadRpcReplyHead(ByteView bytes) {
  const auto header = ReadUwsgiHeader(bytes);
  if (!header) return std::nullopt;
  if (header->modifier1 != kRpcModifier) return Fail("not an answer to a call");
  if (header->modifier2 != static_cast<uint8_t>(RpcRequest::kLongReply))
    return RpcReplyHead{kUwsgiHeaderSize, header->size};
  if (bytes.size() - kUwsgiHeaderSize < header->size) return std::nullopt;
  std::optional<int64_t> length;
  TRY_STATUS(ForEachVar(bytes.substr(kUwsgiHeaderSize, header->size), 16,
                        [&length](ByteView name, ByteView value) {
                          if (name == "CONTENT_LENGTH") length = ParseInt(value);
                        }));
  if (!length) return Fail("an answer without its length");
  return RpcReplyHead{kUwsgiHeaderSize + header->size, static_cast<uint64_t>(*length)};
}

}  // namespace uwsgi
