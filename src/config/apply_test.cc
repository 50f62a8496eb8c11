// SPDX-License-Identifier: Apache-2.0
#include "config/apply.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace uwsgi {
namespace {

class Apply : public testing::Test {
 protected:
  void SetUp() override {
    log().clear();
    before_ = SetLogSink([](std::string_view line) { log().append(line); });
  }
  void TearDown() override { SetLogSink(before_); }

  static std::string& log() {
    static std::string text;
    return text;
  }

  // Empty when the value was taken.
  std::string Set(std::string_view name, std::string_view value) {
    Setting setting{std::string(name), std::string(value), true, true, {"site.ini", 3}, order_++};
    const Status status = ApplySetting(*FindOption(name), setting, options_);
    return status ? "" : status.error().text();
  }

  Options options_;
  int order_ = 0;

 private:
  LogSink before_ = nullptr;
};

TEST_F(Apply, SwitchesAFlagOffForFourWordsOnly) {
  for (const char* word : {"false", "OFF", "No", "0"}) {
    options_.master = true;
    EXPECT_EQ(Set("master", word), "");
    EXPECT_FALSE(options_.master) << word;
  }
  for (const char* word : {"", "true", "1", "on"}) {
    options_.master = false;
    EXPECT_EQ(Set("master", word), "");
    EXPECT_TRUE(options_.master) << word;
  }
  EXPECT_EQ(log(), "");
}

TEST_F(Apply, TakesAnyOtherWordForAFlagAsOnAndSaysSo) {
  EXPECT_EQ(Set("master", "banana"), "");
  EXPECT_TRUE(options_.master);
  EXPECT_NE(log().find("\"banana\" for option \"master\" (site.ini:3) is taken as true"),
            std::string::npos)
      << log();
}

TEST_F(Apply, RefusesTextBehindANumber) {
  EXPECT_EQ(
      Set("processes", "4k"),
      "invalid value \"4k\" for option \"processes\" (site.ini:3): a whole number is expected");
  EXPECT_EQ(Set("workers", "2x"),
            "invalid value \"2x\" for option \"workers\" (site.ini:3): a whole number is expected");
  EXPECT_NE(Set("harakiri", "10s"), "");
  EXPECT_NE(Set("processes", ""), "");
  EXPECT_NE(Set("processes", "99999999999999999999"), "");
  EXPECT_EQ(options_.processes, 1);
}

TEST_F(Apply, RefusesNegativeNumbers) {
  EXPECT_EQ(Set("processes", "-1"),
            "invalid value \"-1\" for option \"processes\" (site.ini:3): it must not be negative");
}

TEST_F(Apply, LeavesANumberAloneWhenGivenATruthWord) {
  EXPECT_EQ(Set("post-buffering", "true"), "");
  EXPECT_EQ(options_.post_buffering, 0);
  EXPECT_NE(log().find("has no effect"), std::string::npos);
}

TEST_F(Apply, ReadsSizesWithSuffix) {
  EXPECT_EQ(Set("buffer-size", "32k"), "");
  EXPECT_EQ(options_.buffer_size, 32768);
  EXPECT_EQ(ParseSize("2M"), 2 * 1024 * 1024);
  EXPECT_EQ(ParseSize("1g"), 1024 * 1024 * 1024);
  EXPECT_EQ(ParseSize("7"), 7);
  EXPECT_EQ(ParseSize("k"), std::nullopt);
  EXPECT_EQ(ParseSize("1kb"), std::nullopt);
  EXPECT_EQ(ParseSize("9999999999g"), std::nullopt);
}

TEST_F(Apply, TakesMoreThanACenturyForOne) {
  constexpr int64_t kCentury = int64_t{100} * 365 * 86400;
  EXPECT_EQ(Set("mule-reload-mercy", "10000000000000"), "");
  EXPECT_EQ(options_.mule_reload_mercy, kCentury);
  EXPECT_EQ(Set("mule-reload-mercy", "70"), "");
  EXPECT_EQ(options_.mule_reload_mercy, 70);
}

TEST_F(Apply, ReadsMegabytesIntoBytes) {
  EXPECT_EQ(Set("limit-as", "256"), "");
  EXPECT_EQ(options_.limit_as, 256 * 1024 * 1024);
  EXPECT_EQ(ParseMegabytes("1.5"), 1536 * 1024);
  EXPECT_EQ(ParseMegabytes("1g"), 1024 * 1024 * 1024);
  EXPECT_EQ(ParseMegabytes("1."), std::nullopt);
  EXPECT_EQ(ParseMegabytes(".5"), std::nullopt);
}

TEST_F(Apply, ReadsOctalNumbers) {
  EXPECT_EQ(Set("umask", "022"), "");
  EXPECT_EQ(options_.umask, 022);
  EXPECT_EQ(Set("umask", "9"),
            "invalid value \"9\" for option \"umask\" (site.ini:3): an octal number is expected");
}

TEST_F(Apply, ChecksTheModeOfSockets) {
  EXPECT_EQ(Set("chmod-socket", ""), "");
  EXPECT_EQ(options_.chmod_socket, "");
  EXPECT_EQ(Set("chmod-socket", "660"), "");
  EXPECT_EQ(options_.chmod_socket, "660");
  EXPECT_EQ(Set("chmod-socket", "0660"), "");
  EXPECT_EQ(Set("chmod", "888"),
            "invalid chmod value: 888 (site.ini:3): three octal digits are expected");
  EXPECT_NE(Set("chmod", "66"), "");
}

TEST_F(Apply, TellsABareOptionalValueFromNone) {
  EXPECT_EQ(options_.http_keepalive, std::nullopt);
  EXPECT_EQ(Set("http-keepalive", ""), "");
  EXPECT_EQ(options_.http_keepalive, 0);
  EXPECT_EQ(Set("http-keepalive", "true"), "");
  EXPECT_EQ(options_.http_keepalive, 0);
  EXPECT_EQ(Set("http-keepalive", "30"), "");
  EXPECT_EQ(options_.http_keepalive, 30);
  EXPECT_EQ(Set("http-keepalive", "false"), "");
  EXPECT_EQ(options_.http_keepalive, std::nullopt);
  EXPECT_NE(Set("http-keepalive", "30s"), "");
  EXPECT_EQ(Set("exit", ""), "");
  EXPECT_EQ(options_.exit, 1);
  EXPECT_EQ(Set("log-date", "true"), "");
  EXPECT_EQ(options_.log_date, "");
  EXPECT_EQ(Set("log-date", "%Y"), "");
  EXPECT_EQ(options_.log_date, "%Y");
  EXPECT_EQ(Set("log-date", "false"), "");
  EXPECT_EQ(options_.log_date, std::nullopt);
}

TEST_F(Apply, OverwritesScalarsAndGrowsLists) {
  Set("chdir", "/a");
  Set("chdir", "/b");
  EXPECT_EQ(options_.chdir, "/b");
  Set("pythonpath", "/a");
  Set("pp", "/b");
  ASSERT_EQ(options_.pythonpath.size(), 2u);
  EXPECT_EQ(options_.pythonpath[0].text, "/a");
  EXPECT_EQ(options_.pythonpath[1].text, "/b");
  EXPECT_EQ(options_.pythonpath[1].option, "pp");
  EXPECT_EQ(options_.pythonpath[1].origin.text(), "site.ini:3");
  EXPECT_LT(options_.pythonpath[0].order, options_.pythonpath[1].order);
}

}  // namespace
}  // namespace uwsgi
