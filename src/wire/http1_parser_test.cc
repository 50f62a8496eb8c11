// SPDX-License-Identifier: Apache-2.0
#include "wire/http1_parser.h"

#include <gtest/gtest.h>

#include "base/scan.h"
#include "wire/host.h"

namespace uwsgi {
namespace {

ParseOutcome ParseAll(ByteView input, HttpHead& head, const HttpLimits& limits = {}) {
  return Http1Parser().Parse(input, limits, head);
}

int ErrorOf(ByteView input, const HttpLimits& limits = {}) {
  HttpHead head;
  const ParseOutcome outcome = ParseAll(input, head, limits);
  return outcome.status == ParseStatus::kError ? outcome.error_status : 0;
}

TEST(Http1Parser, GivesViewsIntoTheInput) {
  const ByteView input = "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-A:  v \r\n\r\nrest";
  HttpHead head;
  const ParseOutcome outcome = ParseAll(input, head);
  ASSERT_EQ(outcome.status, ParseStatus::kComplete);
  EXPECT_EQ(input.substr(outcome.consumed), "rest");
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.path, "/a");
  EXPECT_EQ(head.query, "b=c");
  EXPECT_EQ(head.host, "h");
  ASSERT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields[0].known, CgiName::kHttpHost);
  EXPECT_EQ(head.fields[1].name, "X-A");
  EXPECT_EQ(head.fields[1].value, "v");
  EXPECT_EQ(head.fields[1].value.data(), input.data() + input.find("v \r"));
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.framing, BodyFraming::kNone);
}

TEST(Http1Parser, ForgetsTheLastRequestAfterReset) {
  Http1Parser parser;
  HttpHead head;
  parser.Parse(
      "POST http://b?x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: "
      "upgrade\r\nContent-Length: 7\r\n\r\n",
      {}, head);
  EXPECT_TRUE(head.expects_continue && head.has_connection_upgrade && head.has_content_length);
  parser.Reset();
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.Parse("GET / HTTP/1.0\r\n\r\n", {}, head).status, ParseStatus::kComplete);
  EXPECT_EQ(head.host, "");
  EXPECT_EQ(head.query, "");
  EXPECT_EQ(head.form, TargetForm::kOrigin);
  EXPECT_FALSE(head.expects_continue || head.has_connection_upgrade || head.has_content_length ||
               head.keep_alive);
  EXPECT_EQ(head.framing, BodyFraming::kNone);
}

TEST(Http1Parser, StartsOnlyBehindTheEmptyLine) {
  Http1Parser parser;
  HttpHead head;
  EXPECT_EQ(parser.Parse("\r", {}, head).status, ParseStatus::kNeedMore);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.Parse("\r\nG", {}, head).status, ParseStatus::kNeedMore);
  EXPECT_TRUE(parser.started());
}

TEST(Http1Parser, RepeatsItsErrorUntilReset) {
  Http1Parser parser;
  HttpHead head;
  EXPECT_EQ(parser.Parse("(", {}, head).error_status, 400);
  EXPECT_EQ(parser.Parse("(GET", {}, head).error_status, 400);
}

TEST(Http1Parser, DoesNotLookAtBytesTwice) {
  std::string input = "GET /" + std::string(100, 'a');
  Http1Parser parser;
  HttpHead head;
  ASSERT_EQ(parser.Parse(input, {}, head).status, ParseStatus::kNeedMore);
  // Spoil what it has seen: only views into it may show that.
  input[50] = ' ';
  input += " HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_EQ(parser.Parse(input, {}, head).status, ParseStatus::kComplete);
  EXPECT_EQ(head.target.size(), 101U);
}

TEST(Http1Parser, HoldsItsLimitsExactly) {
  const std::string input = "GET /12345 HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n";
  EXPECT_EQ(ErrorOf(input, {.max_head = input.size(), .max_target = 6, .max_fields = 2}), 0);
  EXPECT_EQ(ErrorOf(input, {.max_head = input.size() - 1}), 431);
  EXPECT_EQ(ErrorOf(input, {.max_target = 5}), 414);
  EXPECT_EQ(ErrorOf(input, {.max_fields = 1}), 431);
}

TEST(Http1Parser, RefusesATargetAtItsLimitBeforeItsEndIsSeen) {
  HttpHead head;
  EXPECT_EQ(ParseAll("GET /12345", head, {.max_target = 6}).status, ParseStatus::kNeedMore);
  EXPECT_EQ(ParseAll("GET /123456", head, {.max_target = 6}).error_status, 414);
}

TEST(Http1Parser, RefusesSpaceBeforeColon) {
  EXPECT_EQ(ErrorOf("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400);
}

TEST(Host, TakesNamesAddressesAndPorts) {
  for (const ByteView good :
       {"a", "a.b-c_d", "127.0.0.1:80", "[::1]", "[2001:db8::1]:8080", "a:", "%41b", "a:65535"}) {
    EXPECT_TRUE(IsValidHost(good)) << good;
  }
}

TEST(Host, RefusesWhatIsNoHost) {
  for (const ByteView bad :
       {"",      ":",     ":80",     "a:b",    "a:65536", "a@b",   "a/b", "a,b",
        "a b",   "[]",    "[::1",    "[::1]x", "[g::]",   "[1:2]", "%4",  "%zz",
        "a\xff", "a:1:2", "[::1]:x", "a?b",    "a#b",     "\\"}) {
    EXPECT_FALSE(IsValidHost(bad)) << bad;
  }
}

// The vector loops must stop at the same bytes as the tables, wherever the byte lies.
TEST(Scan, VectorsAndTablesAgreeOnEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t place = 0; place < 40; ++place) {
      std::string text(40, 'a');
      text[place] = static_cast<char>(byte);
      const char* const begin = text.data();
      const char* const end = begin + text.size();
      const auto expected = [&](ByteClassBit bit) {
        return IsByte(text[place], bit) ? end : begin + place;
      };
      ASSERT_EQ(FindControl(begin, end), expected(kValueByte)) << byte << " at " << place;
      ASSERT_EQ(FindTargetEnd(begin, end), expected(kTargetByte)) << byte << " at " << place;
      ASSERT_EQ(FindTokenEnd(begin, end), expected(kTokenByte)) << byte << " at " << place;
      ASSERT_EQ(FindEither(begin, end, '%', '\xff') != end, byte == '%' || byte == 0xff);
    }
  }
}

}  // namespace
}  // namespace uwsgi
