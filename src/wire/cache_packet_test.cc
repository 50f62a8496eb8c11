// SPDX-License-Identifier: Apache-2.0
#include "wire/cache_packet.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using namespace std::literals;

TEST(CachePacket, ReadsTheCommandOfThePredecessor) {
  const auto command = ReadCacheCommand(
      "\3\0cmd\3\0set\3\0key\1\0k\7\0expires\2\0"
      "60\4\0size\1\0"
      "3"sv);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->cmd, "set");
  EXPECT_EQ(command->key, "k");
  EXPECT_EQ(command->cache, "");
  EXPECT_EQ(command->expires, 60);
  EXPECT_EQ(command->size, 3U);
}

TEST(CachePacket, MakesTheAnswerOfThePredecessor) {
  EXPECT_EQ(MakeCachePacket({.status = "ok", .size = 3}).value(),
            "\x6f\x15\0\x11\6\0status\2\0ok\4\0size\1\0"
            "3"sv);
}

TEST(CachePacket, RefusesNumbersThatAreNone) {
  EXPECT_FALSE(
      ReadCacheCommand("\4\0size\2\0"
                       "-1"sv));
  EXPECT_FALSE(ReadCacheCommand("\7\0expires\1\0x"sv));
  EXPECT_FALSE(
      ReadCacheCommand("\4\0size\2\0"
                       "1"sv));
  EXPECT_EQ(ReadCacheCommand("\7\0expires\2\0-1"sv)->expires, -1);
}

TEST(CachePacket, NoticesGoBothWays) {
  const std::string set = MakeCacheNotice({.key = "k", .value = "v", .expires = 99}).value();
  EXPECT_EQ(set,
            "\x6f\x0a\0\x0a\1\0k\1\0v\2\0"
            "99"sv);
  EXPECT_EQ(ReadCacheNotice(set)->value, "v");
  EXPECT_EQ(ReadCacheNotice(set)->expires, 99);
  const std::string gone = MakeCacheNotice({.key = "k"}).value();
  EXPECT_EQ(gone, "\x6f\3\0\x0b\1\0k"sv);
  EXPECT_FALSE(ReadCacheNotice(gone)->value);
  EXPECT_FALSE(ReadCacheNotice(gone.substr(0, 6)));
  EXPECT_FALSE(ReadCacheNotice("\x6f\3\0\x0a\1\0k"sv));
  EXPECT_FALSE(ReadCacheNotice(""));
  EXPECT_FALSE(MakeCacheNotice({.key = "k", .value = std::string(65536, 'v')}));
}

TEST(CachePacket, RecordsGoBothWays) {
  std::string dump;
  AppendCacheRecord(dump, {"key", std::string(70000, 'v'), 5});
  AppendCacheRecord(dump, {});
  ByteView rest = dump;
  const auto first = TakeCacheRecord(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->key, "key");
  EXPECT_EQ(first->value.size(), 70000U);
  EXPECT_EQ(first->expires, 5);
  EXPECT_EQ(TakeCacheRecord(rest)->key, "");
  EXPECT_TRUE(rest.empty());
  ByteView cut = ByteView(dump).substr(0, 100);
  EXPECT_FALSE(TakeCacheRecord(cut));
}

}  // namespace
}  // namespace uwsgi
