// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

// Calls of functions of another server: uwsgi packets with first modifier 173 (reference 34 section
// 5).
namespace uwsgi {

inline constexpr uint8_t kRpcModifier = 173;

// Second modifiers.
enum class RpcRequest : uint8_t {
  kCall = 0,      // block: array of name and arguments
  kRawCall = 1,   // the same, answered without a header
  kHttpCall = 2,  // block: variables, /NAME/ARGUMENT... in PATH_INFO; answered by HTTP
  kLongReply = 5,
};

struct RpcCall {
  ByteView name;
  std::vector<ByteView> args;
};
// Views into the block; nullopt when it is malformed or names no function.
std::optional<RpcCall> ReadRpcCall(ByteView block);
// The same of a path; empty segments at its ends do not count.
std::optional<RpcCall> ReadRpcPath(ByteView path);
// A whole packet; an error when it does not fit.
Result<std::string> MakeRpcCall(ByteView name, const std::vector<ByteView>& args);

// What stands in front of a result of this size.
std::string MakeRpcReplyHead(uint64_t size);
// The head of a reply: its own size and the result's.
struct RpcReplyHead {
  size_t head_size = 0;
  uint64_t result_size = 0;
};
// nullopt: not all of the head is there yet. An error: this is none.
Result<std::optional<RpcReplyHead>> ReadRpcReplyHead(ByteView bytes);

}  // namespace uwsgi
