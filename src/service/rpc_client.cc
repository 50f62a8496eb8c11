// SPDX-License-Identifier: Apache-2.0
#include "service/rpc_client.h"

#include "wire/rpc_packet.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

constexpr uint64_t kLongestResult = uint64_t{1} << 30;

Result<std::string> Call(ByteView address, const std::string& packet, int64_t timeout_ms) {
  PacketClient client = TRY(PacketClient::Connect(address, timeout_ms));
  TRY_STATUS(client.Send(packet));
  std::string head = TRY(client.Receive(kUwsgiHeaderSize));
  auto reply = TRY(ReadRpcReplyHead(head));
  if (!reply) {
    head += TRY(client.Receive(ReadUwsgiHeader(head)->size));
    reply = TRY(ReadRpcReplyHead(head));
  }
  if (!reply || reply->result_size > kLongestResult) return Fail("a bad answer");
  return client.Receive(reply->result_size);
}

}  // namespace

std::optional<std::string> CallRemote(ByteView address, ByteView name,
                                      const std::vector<ByteView>& args, int64_t timeout_ms) {
  const auto packet = MakeRpcCall(name, args);
  if (!packet) return std::nullopt;
  auto result = Call(address, *packet, timeout_ms);
  if (!result || result->empty()) return std::nullopt;
  return std::move(*result);
}

}  // namespace uwsgi
