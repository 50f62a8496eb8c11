// SPDX-License-Identifier: Apache-2.0
#include "top/top_options.h"

#include <gtest/gtest.h>

#include <vector>

namespace uwsgi::top {
namespace {

using Mode = TopOptions::Mode;

Result<TopOptions> Parse(std::vector<const char*> arguments) { return ParseTopOptions(arguments); }

TEST(TopOptions, TakesAnAddressAndShowsTheScreen) {
  const auto options = Parse({"127.0.0.1:9091"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->mode, Mode::kScreen);
  EXPECT_EQ(options->address, "127.0.0.1:9091");
  EXPECT_DOUBLE_EQ(options->frequency, 1);
}

TEST(TopOptions, TakesAValueBehindOrInTheOption) {
  EXPECT_DOUBLE_EQ(Parse({"-f", "0.5", "x"})->frequency, 0.5);
  EXPECT_DOUBLE_EQ(Parse({"x", "--frequency", "3"})->frequency, 3);
  EXPECT_DOUBLE_EQ(Parse({"x", "--frequency=2"})->frequency, 2);
  EXPECT_DOUBLE_EQ(Parse({"x", "--timeout=2"})->timeout, 2);
}

TEST(TopOptions, KnowsTheWaysToEndAtOnce) {
  EXPECT_EQ(Parse({"x", "--once"})->mode, Mode::kOnceTable);
  EXPECT_EQ(Parse({"--json", "x", "--once"})->mode, Mode::kOnceJson);
  EXPECT_EQ(Parse({"--help"})->mode, Mode::kHelp);
  EXPECT_EQ(Parse({"--version"})->mode, Mode::kVersion);
}

TEST(TopOptions, SaysWhatIsWrong) {
  EXPECT_EQ(Parse({}).error().message, "the address of a stats server is missing");
  EXPECT_EQ(Parse({"x", "--json"}).error().message, "--json needs --once");
  EXPECT_EQ(Parse({"x", "-f"}).error().message, "-f needs a value");
  EXPECT_EQ(Parse({"x", "--colour"}).error().message, "unknown option --colour");
  EXPECT_FALSE(Parse({"x", "y"}));
  for (const char* bad : {"0", "-1", "nan", "inf", "1s", "", "1e9"}) {
    EXPECT_FALSE(Parse({"x", "-f", bad})) << bad;
  }
}

}  // namespace
}  // namespace uwsgi::top
