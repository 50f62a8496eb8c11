// SPDX-License-Identifier: Apache-2.0
// A call that is accepted encodes to the same block; heads of replies never claim more than is
// there.
#include <cstdlib>

#include "wire/rpc_packet.h"
#include "wire/uwsgi_packet.h"

using namespace uwsgi;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(reinterpret_cast<const char*>(data), size);
  if (const auto call = ReadRpcCall(input)) {
    const auto packet = MakeRpcCall(call->name, call->args);
    if (packet && ByteView(*packet).substr(kUwsgiHeaderSize) != input) std::abort();
  }
  if (const auto call = ReadRpcPath(input); call && call->name.empty()) std::abort();
  const auto head = ReadRpcReplyHead(input);
  if (head && *head && (*head)->head_size > input.size()) std::abort();
  return 0;
}
