// SPDX-License-Identifier: Apache-2.0
#include "top/format.h"

#include <gtest/gtest.h>
#include <locale.h>

namespace uwsgi::top {
namespace {

TEST(Format, ShowsSizesInStepsOf1024) {
  EXPECT_EQ(HumanSize(0), "0");
  EXPECT_EQ(HumanSize(1023), "1023");
  EXPECT_EQ(HumanSize(1024), "1.0K");
  EXPECT_EQ(HumanSize(1536 * 1024), "1.5M");
  EXPECT_EQ(HumanSize(int64_t{3} << 30), "3.0G");
}

TEST(Format, ShowsRunTimesInMillisecondsThenMinutes) {
  EXPECT_EQ(HumanRunTime(158), "0.2");
  EXPECT_EQ(HumanRunTime(1'500'000), "1500");
  EXPECT_EQ(HumanRunTime(9'999'999'000), "9999999");
  EXPECT_EQ(HumanRunTime(10'000'000'000), "166m");
}

TEST(Format, ShowsRatesAgesAndClocks) {
  EXPECT_EQ(HumanRate(0), "0");
  EXPECT_EQ(HumanRate(0.5), "0.5");
  EXPECT_EQ(HumanRate(12.4), "12");
  EXPECT_EQ(HumanAge(59), "59s");
  EXPECT_EQ(HumanAge(187), "3m07s");
  EXPECT_EQ(HumanAge(7500), "2h05m");
  EXPECT_EQ(HumanAge(90000), "1d01h");
  EXPECT_EQ(HumanAge(-3), "0s");
  EXPECT_EQ(HumanClock(0), "--:--:--");
}

TEST(Format, DrawsTheNewestPointsAsBars) {
  EXPECT_EQ(Sparkline({}, 4, Charset::kUtf8), "    ");
  EXPECT_EQ(Sparkline({0, 8}, 4, Charset::kAscii), "  _#");
  EXPECT_EQ(Sparkline({9, 9, 0, 1, 1000}, 3, Charset::kAscii), "_.#");
  EXPECT_EQ(Sparkline({0, 0}, 2, Charset::kUtf8), "\xe2\x96\x81\xe2\x96\x81");
}

TEST(Format, LetsNoControlCharacterReachTheTerminal) {
  EXPECT_EQ(Clip("a\x1b[2Jb\n\x7f", 20, Charset::kAscii), "a?[2Jb??");
  EXPECT_EQ(Clip("\xc2\x9b"
                 "31m",
                 20, Charset::kUtf8),
            "\xef\xbf\xbd"
            "31m");
  EXPECT_EQ(Clip("a\xe2\x80\xae"
                 "b",
                 20, Charset::kUtf8),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(Clip("\xff", 20, Charset::kAscii), "?");
}

TEST(Format, ClipsByColumnsNotByBytes) {
  EXPECT_EQ(Clip("abcdef", 3, Charset::kAscii), "abc");
  EXPECT_EQ(Clip("gr\xc3\xbc\xc3\x9f", 4, Charset::kAscii), "gr??");
  if (::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) GTEST_SKIP() << "no C.UTF-8 here";
  EXPECT_EQ(Clip("gr\xc3\xbc\xc3\x9f"
                 "e",
                 4, Charset::kUtf8),
            "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(Clip("\xe4\xb8\xad\xe6\x96\x87", 3, Charset::kUtf8), "\xe4\xb8\xad");
  EXPECT_EQ(WidthOf("\xe4\xb8\xad"), 2U);
  ::setlocale(LC_CTYPE, "C");
}

}  // namespace
}  // namespace uwsgi::top
