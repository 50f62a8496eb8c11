// SPDX-License-Identifier: Apache-2.0
#include "wire/uwsgi_packet.h"

#include <gtest/gtest.h>

#include <vector>

namespace uwsgi {
namespace {

using Vars = std::vector<std::pair<std::string, std::string>>;

Result<Vars> ReadVars(ByteView block, size_t max_vars = 100) {
  Vars vars;
  TRY_STATUS(ForEachVar(block, max_vars,
                        [&vars](ByteView key, ByteView value) { vars.emplace_back(key, value); }));
  return vars;
}

TEST(UwsgiPacket, EncodesAsThePredecessorDoes) {
  std::string block;
  ASSERT_TRUE(AppendVar(block, "REQUEST_METHOD", "GET"));
  EXPECT_EQ(MakeUwsgiPacket(0, 0, block).value(),
            ByteView("\x00\x15\x00\x00\x0e\x00REQUEST_METHOD\x03\x00GET", 25));
}

TEST(UwsgiPacket, HeaderIsLittleEndianAndWholeOrNothing) {
  EXPECT_FALSE(ReadUwsgiHeader(ByteView("\x11\x02\x01", 3)));
  const UwsgiHeader header = ReadUwsgiHeader(ByteView("\x11\x02\xff\x05", 4)).value();
  EXPECT_EQ(header.modifier1, 17);
  EXPECT_EQ(header.size, 0xff02);
  EXPECT_EQ(header.modifier2, 5);
  EXPECT_EQ(ReadUwsgiHeader(kUwsgiPong)->modifier1, 100);
}

TEST(UwsgiPacket, VariablesComeBackAsTheyWent) {
  std::string block;
  const std::string big(kMaxUwsgiBlock, 'v');
  ASSERT_TRUE(AppendVar(block, "A", ""));
  ASSERT_TRUE(AppendVar(block, "B", big));
  ASSERT_TRUE(AppendVar(block, "A", "again"));
  EXPECT_EQ(ReadVars(block).value(), (Vars{{"A", ""}, {"B", big}, {"A", "again"}}));
}

TEST(UwsgiPacket, RefusesMalformedBlocks) {
  const ByteView kBad[] = {
      {"\0\0\1\0v", 5},   // empty key
      {"\5\0key", 5},     // key past the end
      {"\1\0K\5\0v", 6},  // value past the end
      {"\1\0K", 3},       // no value
      {"\1\0K\1", 4},     // half a length
      {"\1\0K\0\0x", 6},  // one stray byte
      {"\xff\xff", 2},
  };
  for (const ByteView block : kBad) EXPECT_FALSE(ReadVars(block));
}

TEST(UwsgiPacket, CountsVariables) {
  std::string block;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(AppendVar(block, "K", "v"));
  EXPECT_TRUE(ReadVars(block, 3));
  EXPECT_FALSE(ReadVars(block, 2));
}

TEST(UwsgiPacket, EncoderRefusesWhatDoesNotFit) {
  std::string block;
  EXPECT_FALSE(AppendVar(block, "", "v"));
  EXPECT_FALSE(AppendVar(block, "K", std::string(kMaxUwsgiBlock + 1, 'v')));
  EXPECT_FALSE(AppendItem(block, std::string(kMaxUwsgiBlock + 1, 'v')));
  EXPECT_EQ(block, "");
  EXPECT_FALSE(MakeUwsgiPacket(0, 0, std::string(kMaxUwsgiBlock + 1, 'v')));
}

TEST(UwsgiPacket, ArraysKeepEmptyItems) {
  std::string block;
  for (const char* const item : {"func", "", "x"}) ASSERT_TRUE(AppendItem(block, item));
  UwsgiItems items(block);
  std::vector<std::string> read;
  while (const auto item = items.Next()) read.emplace_back(*item);
  EXPECT_EQ(read, (std::vector<std::string>{"func", "", "x"}));
  EXPECT_FALSE(items.failed());
  UwsgiItems broken(ByteView("\2\0x", 3));
  EXPECT_FALSE(broken.Next());
  EXPECT_TRUE(broken.failed());
}

}  // namespace
}  // namespace uwsgi
