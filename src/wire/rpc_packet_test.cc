// SPDX-License-Identifier: Apache-2.0
#include "wire/rpc_packet.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using namespace std::literals;

TEST(RpcPacket, CallsGoBothWays) {
  const std::string packet = MakeRpcCall("hello", {"x", ""}).value();
  EXPECT_EQ(packet, "\xad\x0c\0\0\5\0hello\1\0x\0\0"sv);
  const auto call = ReadRpcCall(ByteView(packet).substr(4));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->name, "hello");
  EXPECT_EQ(call->args, (std::vector<ByteView>{"x", ""}));
}

TEST(RpcPacket, RefusesWhatNamesNoFunctionOrIsCutShort) {
  EXPECT_FALSE(ReadRpcCall(""));
  EXPECT_FALSE(ReadRpcCall("\0\0"sv));
  EXPECT_FALSE(ReadRpcCall("\5\0hell"sv));
  EXPECT_FALSE(ReadRpcCall("\1\0f\5\0x"sv));
  EXPECT_FALSE(MakeRpcCall("f", {std::string(65000, 'x'), std::string(65000, 'x')}));
}

TEST(RpcPacket, ReadsAPath) {
  const auto call = ReadRpcPath("/hello/x//y/");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->name, "hello");
  EXPECT_EQ(call->args, (std::vector<ByteView>{"x", "y"}));
  EXPECT_FALSE(ReadRpcPath("/"));
  EXPECT_FALSE(ReadRpcPath(""));
  EXPECT_FALSE(ReadRpcPath("//x"));
}

TEST(RpcPacket, RepliesOfAllSizesHaveAHead) {
  for (const uint64_t size : {1ULL, 65535ULL, 65536ULL, 10000000000ULL}) {
    const std::string head = MakeRpcReplyHead(size);
    EXPECT_FALSE(*ReadRpcReplyHead(ByteView(head).substr(0, head.size() - 1)));
    const auto read = ReadRpcReplyHead(head + "result");
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((*read)->head_size, head.size());
    EXPECT_EQ((*read)->result_size, size);
  }
  EXPECT_FALSE(ReadRpcReplyHead("\0\0\0\0"sv));
  EXPECT_FALSE(ReadRpcReplyHead("\xad\0\0\5"sv));
}

}  // namespace
}  // namespace uwsgi
