// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_body.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(BodyDecoder, ABodyThatIsNotThereIsDone) {
  BodyDecoder body;
  EXPECT_TRUE(body.done());
  const BodyPiece piece = body.Next("GET /");
  EXPECT_TRUE(piece.done);
  EXPECT_EQ(piece.consumed, 0U);
}

TEST(BodyDecoder, LengthStopsWhereTheBodyEnds) {
  BodyDecoder body(BodyFraming::kLength, 7);
  EXPECT_EQ(body.Next("hello").data, "hello");
  EXPECT_EQ(body.remaining(), 2U);
  const BodyPiece last = body.Next("xyGET");
  EXPECT_EQ(last.data, "xy");
  EXPECT_EQ(last.consumed, 2U);
  EXPECT_TRUE(last.done);
}

TEST(ChunkedDecoder, TheLastPieceSaysDone) {
  ChunkedDecoder decoder;
  const ByteView input = "5\r\nhello\r\n0\r\n\r\nGET";
  const BodyPiece piece = decoder.Next(input);
  EXPECT_EQ(piece.data.data(), input.data() + 3);
  EXPECT_EQ(piece.data, "hello");
  EXPECT_TRUE(piece.done);
  EXPECT_EQ(input.substr(piece.consumed), "GET");
  EXPECT_EQ(decoder.Next("GET").consumed, 0U);
}

TEST(ChunkedDecoder, GivesPartsOfAChunkAsTheyCome) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.Next("fffffff\r\nab").data, "ab");
  const BodyPiece piece = decoder.Next("cd");
  EXPECT_EQ(piece.data, "cd");
  EXPECT_FALSE(piece.done || piece.error);
}

TEST(ChunkedDecoder, TakesTheLargestSize) {
  EXPECT_FALSE(ChunkedDecoder().Next("7fffffffffffffff\r\n").error);
  EXPECT_TRUE(ChunkedDecoder().Next("8000000000000000\r\n").error);
}

TEST(ChunkedDecoder, ExtensionsOfAllChunksShareOneLimit) {
  ChunkedDecoder decoder;
  const std::string chunk = "1;a=" + std::string(1000, 'x') + "\r\n.\r\n";
  size_t chunks = 0;
  while (!decoder.Next(chunk).error) ++chunks;
  EXPECT_EQ(chunks, ChunkedDecoder::kMaxExtensions / 1003);
}

TEST(ChunkedDecoder, StaysFailed) {
  ChunkedDecoder decoder;
  EXPECT_TRUE(decoder.Next("x").error);
  const BodyPiece piece = decoder.Next("0\r\n\r\n");
  EXPECT_TRUE(piece.error);
  EXPECT_FALSE(piece.done);
}

}  // namespace
}  // namespace uwsgi
