// SPDX-License-Identifier: Apache-2.0
#include "service/log_encoder.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/json.h"

namespace uwsgi {
namespace {

constexpr int64_t kNow = 1'795'346'321'097'787;

std::string Encode(std::string_view encoder, std::string message) {
  return LogEncoder::Parse(encoder).value().Encode(std::move(message), kNow);
}

TEST(LogEncoder, AddsTextAroundTheWholeMessage) {
  EXPECT_EQ(Encode("prefix P- ", "line\n"), "P- line\n");
  EXPECT_EQ(Encode("suffix -S", "line\n"), "line\n-S");
  EXPECT_EQ(Encode("nl", "line"), "line\n");
}

TEST(LogEncoder, FillsTemplates) {
  EXPECT_EQ(Encode("format [${unix} ${millis} ${micros}] ${msg}!", "line\n"),
            "[1795346321 1795346321097 1795346321097787] line!");
  EXPECT_EQ(Encode("format ${strftime:%Y} ${msgnl}", "line\n"), "2026 line\n");
  EXPECT_EQ(Encode("format ${none}${msg} ${open", "line\n"), "line ${open");
}

TEST(LogEncoder, JsonStaysJsonWhateverTheMessage) {
  const std::string object =
      Encode(R"(json {"m":"${msg}","s":"${strftime:%Y}"})", "a\"\\\x01\xff\n");
  EXPECT_EQ(ParseJson(object).value()["m"].text(), "a\"\\\x01\xef\xbf\xbd");
}

TEST(LogEncoder, CompressesEachMessageAsAWhole) {
  const std::string member = Encode("gzip", "line\n");
  z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  char out[100];
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.data()));
  stream.avail_in = static_cast<uInt>(member.size());
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = sizeof out;
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(std::string_view(out, stream.total_out), "line\n");
  ::inflateEnd(&stream);
  EXPECT_EQ(Encode("compress", "line\n")[0], '\x78');
}

TEST(LogEncoder, MayBeForOneLogger) {
  const LogEncoder one = LogEncoder::Parse("prefix:errors E ").value();
  EXPECT_TRUE(one.IsFor("errors"));
  EXPECT_FALSE(one.IsFor(""));
  EXPECT_EQ(one.Encode("x\n", kNow), "E x\n");
  EXPECT_TRUE(LogEncoder::Parse("nl").value().IsFor("errors"));
}

TEST(LogEncoder, RefusesUnknownNames) {
  EXPECT_EQ(LogEncoder::Parse("zzz x").error().message, "log encoder \"zzz\" not found");
}

}  // namespace
}  // namespace uwsgi
