// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_writer.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(Http1Writer, ChunkHeadersAreHexadecimal) {
  char out[kMaxChunkHeader];
  EXPECT_EQ(std::string_view(out, FormatChunkHeader(out, 0)), "0\r\n");
  EXPECT_EQ(std::string_view(out, FormatChunkHeader(out, 31)), "1f\r\n");
  EXPECT_EQ(std::string_view(out, FormatChunkHeader(out, ~size_t{0})), "ffffffffffffffff\r\n");
}

TEST(Http1Writer, KnowsReasonPhrases) {
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(ReasonPhrase(499), "Client Error");
  EXPECT_EQ(ReasonPhrase(600), "");
}

TEST(Http1Writer, NamesAreTokens) {
  EXPECT_TRUE(IsValidFieldName("X-A"));
  for (const ByteView bad : {"", "X A", "X:", "X\r\n", "X\xe9"})
    EXPECT_FALSE(IsValidFieldName(bad)) << bad;
}

TEST(Http1Writer, ValuesCanNotEndTheLine) {
  EXPECT_TRUE(IsValidFieldValue(""));
  EXPECT_TRUE(IsValidFieldValue("a\tb \xe9 and a long text behind it"));
  for (const char bad : {'\r', '\n', '\0', '\x01', '\x7f', '\x1f'}) {
    EXPECT_FALSE(IsValidFieldValue(std::string("a value that is longer than one vector") + bad));
    EXPECT_FALSE(IsValidFieldValue(std::string(1, bad)));
  }
}

TEST(Http1Writer, StatusOfAnAppIsThreeDigitsAndText) {
  EXPECT_EQ(ParseAppStatus("200 OK").value(), 200);
  EXPECT_EQ(ParseAppStatus("404").value(), 404);
  EXPECT_EQ(ParseAppStatus("599 ").value(), 599);
  for (const ByteView bad : {"", "20", "2000", "099 x", "600 x", "20x", "200OK", "200 O\r\nK",
                             "abc", " 200 OK", "-20 x"}) {
    EXPECT_FALSE(ParseAppStatus(bad)) << bad;
  }
}

TEST(Http1Writer, ErrorResponsesAreComplete) {
  EXPECT_EQ(ErrorResponse(400, true),
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: "
            "text/plain\r\nContent-Length: 11\r\n\r\nBad Request");
  EXPECT_EQ(ErrorResponse(405, false, "Allow: GET\r\n"),
            "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Type: "
            "text/plain\r\nContent-Length: 18\r\n\r\nMethod Not Allowed");
}

}  // namespace
}  // namespace uwsgi
