// SPDX-License-Identifier: Apache-2.0
#include "request/exchange.h"

#include <gtest/gtest.h>

#include <cstring>

namespace uwsgi {
namespace {

void Put(InputBuffer& input, ByteView bytes) {
  while (!bytes.empty()) {
    input.EnsureRoom();
    const size_t size = std::min(bytes.size(), input.room());
    std::memcpy(input.tail(), bytes.data(), size);
    input.Filled(size);
    bytes.remove_prefix(size);
  }
}

TEST(InputBuffer, GivesBackWhatWasPutInWhateverItsSize) {
  InputBuffer input;
  std::string all;
  for (int i = 0; i < 20'000; ++i) all += fmt::format("{} ", i);
  Put(input, all);
  EXPECT_EQ(input.view(), all);
}

TEST(InputBuffer, UsesItsMemoryAgain) {
  InputBuffer input;
  const std::string piece(10'000, 'p');
  Put(input, piece);
  const char* const block = input.view().data();
  for (int i = 0; i < 10; ++i) {
    input.Consume(input.size());
    Put(input, piece);
    EXPECT_EQ(input.view(), piece);
  }
  EXPECT_EQ(input.view().data(), block);
}

TEST(InputBuffer, MovesALeftoverToTheFrontRatherThanGrow) {
  InputBuffer input;
  Put(input, std::string(16'000, 'a') + "rest");
  input.Consume(16'000);
  Put(input, std::string(10'000, 'b'));
  EXPECT_EQ(input.view(), "rest" + std::string(10'000, 'b'));
  EXPECT_LE(input.size() + input.room(), InputBuffer::kUsualCapacity);
}

TEST(InputBuffer, HasRoomForABodyBehindAHeadThatFillsIt) {
  for (const size_t left : {1U, 7U}) {
    InputBuffer input;
    Put(input, std::string(InputBuffer::kUsualCapacity - left, 'h'));
    const ByteView head = input.view();
    input.Consume(head.size());
    input.Pin();
    input.EnsureRoom();
    EXPECT_GE(input.room(), InputBuffer::kLeastRoom);
    Put(input, "body");
    EXPECT_EQ(input.view(), "body");
    EXPECT_EQ(head, std::string(InputBuffer::kUsualCapacity - left, 'h'));
  }
}

TEST(InputBuffer, PinnedBytesStayWhereTheyAreWhileMoreIsRead) {
  InputBuffer input;
  Put(input, "head");
  const ByteView head = input.view();
  input.Consume(4);
  input.Pin();
  std::string body;
  for (int i = 0; i < 10; ++i) {  // far more than the block has room for
    const std::string piece(9'000, static_cast<char>('a' + i));
    Put(input, piece);
    body += piece;
  }
  EXPECT_EQ(head, "head");
  EXPECT_EQ(input.view(), body);
  input.Consume(body.size() - 3);
  input.Unpin();
  EXPECT_EQ(input.view(), "jjj");
}

TEST(InputBuffer, APinnedBlockIsFilledAgainBehindThePin) {
  InputBuffer input;
  Put(input, "head");
  const ByteView head = input.view();
  input.Consume(4);
  input.Pin();
  for (int i = 0; i < 100; ++i) {
    Put(input, std::string(5'000, 'x'));
    input.Consume(5'000);
  }
  EXPECT_EQ(head, "head");
  EXPECT_EQ(input.view(), "");
}

TEST(InputBuffer, GivesBackALargeBlockWhenReset) {
  InputBuffer input;
  Put(input, std::string(200'000, 'x'));
  input.Reset();
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.room(), InputBuffer::kUsualCapacity);
}

TEST(Exchange, ForgetsTheRequestAndKeepsWhatFollows) {
  Exchange exchange;
  Put(exchange.input, "firstsecond");
  exchange.input.Consume(5);
  exchange.input.Pin();
  exchange.request.vars.Set(CgiName::kPathInfo, "/");
  exchange.body.assign(100'000, 'b');
  exchange.body_complete = false;
  exchange.expects_continue = true;
  exchange.rules.keep_alive = true;
  exchange.NextRequest();
  EXPECT_EQ(exchange.input.view(), "second");
  EXPECT_FALSE(exchange.request.vars.Has(CgiName::kPathInfo));
  EXPECT_EQ(exchange.request.scheme, "http");
  EXPECT_LE(exchange.body.capacity(), 65536U);
  EXPECT_TRUE(exchange.body_complete);
  EXPECT_FALSE(exchange.expects_continue);
  EXPECT_FALSE(exchange.rules.keep_alive);
}

TEST(ExchangePool, HandsOutCleanExchangesAgain) {
  ExchangePool pool;
  auto exchange = pool.Take();
  Exchange* const first = exchange.get();
  Put(exchange->input, "left over");
  exchange->output.AppendCopy("not sent");
  pool.Give(std::move(exchange));
  exchange = pool.Take();
  EXPECT_EQ(exchange.get(), first);
  EXPECT_TRUE(exchange->input.empty());
  EXPECT_TRUE(exchange->output.empty());
}

}  // namespace
}  // namespace uwsgi
