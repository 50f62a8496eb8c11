// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace uwsgi {
namespace {

Json Parsed(std::string_view text) {
  auto parsed = ParseJson(text);
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed ? std::move(*parsed) : Json();
}

TEST(Json, ReadsEveryKindOfValue) {
  const Json root = Parsed(R"({"a":[1,-2,3.75,"x\u00e4",true,null],"b":{"c":7}})");
  const JsonArray& items = root["a"].items();
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[0].integer(), 1);
  EXPECT_EQ(items[1].integer(), -2);
  EXPECT_EQ(items[2].integer(), 3);
  EXPECT_DOUBLE_EQ(items[2].real(), 3.75);
  EXPECT_EQ(items[3].text(), "x\xc3\xa4");
  EXPECT_EQ(items[4].integer(), 1);
  EXPECT_TRUE(items[5].is_null());
  EXPECT_EQ(root["b"]["c"].integer(), 7);
}

TEST(Json, ReadsWhatIsMissingOrOfAnotherKindAsTheFallback) {
  const Json root = Parsed(R"({"text":"12","list":[]})");
  EXPECT_EQ(root["text"].integer(5), 5);
  EXPECT_EQ(root["list"].text("none"), "none");
  EXPECT_EQ(root["no"]["where"]["at"].integer(9), 9);
  EXPECT_TRUE(root["text"].items().empty());
  EXPECT_FALSE(root.Has("no"));
}

TEST(Json, BringsNumbersIntoRange) {
  const Json root = Parsed("[18446744073709551615,-1e300,1e18]");
  EXPECT_EQ(root.items()[0].integer(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(root.items()[1].integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(root.items()[2].integer(), 1000000000000000000);
}

TEST(Json, RefusesWhatIsNone) {
  for (const std::string_view bad :
       {"", "{", "[1,]", "{\"a\" 1}", "nul", "[1] 2", "\"\x01\"", "1e999", "\"\\ud800\""}) {
    EXPECT_FALSE(ParseJson(bad)) << bad;
  }
  EXPECT_EQ(ParseJson("[1,").error().message, "not JSON at byte 4");
}

TEST(Json, RefusesWhatIsTooDeepOrTooMuch) {
  EXPECT_EQ(ParseJson(std::string(100'000, '[')).error().message, "JSON nested more than 64 deep");
  EXPECT_TRUE(ParseJson("[[[]]]", {.depth = 3}));
  EXPECT_FALSE(ParseJson("[[[]]]", {.depth = 2}));
  EXPECT_FALSE(ParseJson("[1,2,3,4]", {.values = 4}));
}

TEST(Json, TakesBytesThatAreNoUtf8AsReplacementCharacters) {
  EXPECT_EQ(Parsed("\"/srv/\xff\"").text(), "/srv/\xef\xbf\xbd");
}

TEST(Json, QuotesSoThatItReadsTheSameAgain) {
  const std::string text("a\"\\/\n\t\x01\x7f\xc3\xa4\0z", 12);
  EXPECT_EQ(Parsed(JsonString(text)).text(), text);
  EXPECT_EQ(JsonString("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\x1f"), "\"\\u001f\"");
}

}  // namespace
}  // namespace uwsgi
