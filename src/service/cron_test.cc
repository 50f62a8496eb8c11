// SPDX-License-Identifier: Apache-2.0
#include "service/cron.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace uwsgi {
namespace {

// A minute of a Saturday.
tm At(int hour, int minute, int day = 21, int month = 11, int weekday = 6) {
  tm when{};
  when.tm_hour = hour;
  when.tm_min = minute;
  when.tm_mday = day;
  when.tm_mon = month - 1;
  when.tm_wday = weekday;
  return when;
}

TEST(Cron, MinusOneIsEveryMinute) {
  EXPECT_TRUE(Matches({}, At(0, 0)));
  EXPECT_TRUE(Matches({}, At(23, 59)));
}

TEST(Cron, NumbersAreThemselves) {
  const CronFields at_three{.minute = 0, .hour = 3};
  EXPECT_TRUE(Matches(at_three, At(3, 0)));
  EXPECT_FALSE(Matches(at_three, At(3, 1)));
  EXPECT_FALSE(Matches(at_three, At(4, 0)));
}

TEST(Cron, NegativeNumbersDivide) {
  EXPECT_TRUE(Matches({.minute = -5}, At(1, 0)));
  EXPECT_TRUE(Matches({.minute = -5}, At(1, 55)));
  EXPECT_FALSE(Matches({.minute = -5}, At(1, 56)));
  // Days and months count from 1.
  EXPECT_TRUE(Matches({.day = -2}, At(1, 0, 2)));
  EXPECT_FALSE(Matches({.day = -2}, At(1, 0, 1)));
  EXPECT_TRUE(Matches({.month = -11}, At(1, 0)));
}

TEST(Cron, SundayIsZeroAndSeven) {
  const tm sunday = At(1, 1, 22, 11, 0);
  EXPECT_TRUE(Matches({.weekday = 0}, sunday));
  EXPECT_TRUE(Matches({.weekday = 7}, sunday));
  EXPECT_FALSE(Matches({.weekday = 7}, At(1, 1)));
}

TEST(Cron, EitherOfDayAndWeekdayWillDo) {
  const CronFields fields{.day = 13, .weekday = 6};
  EXPECT_TRUE(Matches(fields, At(1, 1, 13, 11, 5)));
  EXPECT_TRUE(Matches(fields, At(1, 1, 21, 11, 6)));
  EXPECT_FALSE(Matches(fields, At(1, 1, 14, 11, 0)));
  // With one of them negative, both must match.
  EXPECT_FALSE(Matches({.day = -2, .weekday = 6}, At(1, 1, 21, 11, 6)));
}

TEST(Cron, ReadsALine) {
  const CronJob job = ParseCron(" 59 -2  -1 12 7  echo  'a b' ").value();
  EXPECT_EQ(job.fields, (CronFields{.minute = 59, .hour = -2, .month = 12, .weekday = 7}));
  EXPECT_EQ(job.command, "echo  'a b'");
}

TEST(Cron, RefusesBadLines) {
  for (const char* bad : {"", "5 5", "-1 -1 -1 -1 -1", "x -1 -1 -1 -1 run", "1-5 -1 -1 -1 -1 run",
                          "60 -1 -1 -1 -1 run", "0 24 -1 -1 -1 run", "0 0 0 -1 -1 run",
                          "0 0 32 -1 -1 run", "0 0 1 13 -1 run", "0 0 1 1 8 run", "* * * * * run",
                          "99999999999999999999 0 0 0 0 x", "-99999999999 0 0 0 0 x"}) {
    EXPECT_FALSE(ParseCron(bad)) << bad;
  }
}

TEST(Cron, ReadsSettings) {
  const CronJob job = ParseCron2("minute=0,hour=3,week=1,unique=1,harakiri=120 run it").value();
  EXPECT_EQ(job.fields, (CronFields{.minute = 0, .hour = 3, .weekday = 1}));
  EXPECT_TRUE(job.unique);
  EXPECT_EQ(job.harakiri_s, 120);
  EXPECT_EQ(job.command, "run it");
  EXPECT_EQ(ParseCron2("run it").value().command, "run it");
  EXPECT_TRUE(ParseCron2("legion=x run").value().names_legion);
}

TEST(Cron, RefusesBadSettings) {
  for (const char* bad : {"", "minute=1", "minute=x run", "second=1 run", "minute=1,, run",
                          "minute=61 run", "harakiri=-1 run", "unique= run"}) {
    EXPECT_FALSE(ParseCron2(bad)) << bad;
  }
}

// A clock on the wall in a zone with summer time.
struct CronClockTest : testing::Test {
  CronClockTest() { SetZone("CET-1CEST,M3.5.0,M10.5.0/3"); }
  ~CronClockTest() override { SetZone("UTC"); }
  static void SetZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  static int64_t Moment(int month, int day, int hour, int minute, int second = 0) {
    tm utc{};
    utc.tm_year = 2026 - 1900;
    utc.tm_mon = month - 1;
    utc.tm_mday = day;
    utc.tm_hour = hour;
    utc.tm_min = minute;
    utc.tm_sec = second;
    return ::timegm(&utc);
  }
  // How often a task runs while seconds pass from one moment to another.
  int Runs(const CronFields& fields, int64_t from, int64_t until) {
    int runs = 0;
    for (int64_t now = from; now < until; ++now) runs += RunsAt(fields, now);
    return runs;
  }
  int RunsAt(const CronFields& fields, int64_t now) {
    int runs = 0;
    for (const CronClock::Due& due : clock.Advance(now)) runs += IsDue(fields, due) ? 1 : 0;
    return runs;
  }

  CronClock clock;
  // Local noon is 11 o'clock in winter.
  const int64_t noon = Moment(11, 22, 11, 0);
  const CronFields at_noon{.minute = 0, .hour = 12};
  const CronFields every_minute;
};

TEST_F(CronClockTest, TheMinuteOfTheStartIsDueAndEachMinuteOnce) {
  EXPECT_EQ(Runs(every_minute, noon + 30, noon + 60), 1);
  EXPECT_EQ(Runs(every_minute, noon + 60, noon + 180), 2);
}

TEST_F(CronClockTest, AMinuteThatWasDoneBeforeAReloadIsNotDoneAgain) {
  Runs(at_noon, noon, noon + 5);
  clock = CronClock(clock.done());
  EXPECT_EQ(Runs(at_noon, noon + 5, noon + 60), 0);
  EXPECT_EQ(Runs(every_minute, noon + 60, noon + 120), 1);
}

TEST_F(CronClockTest, AReloadThatTakesLongMissesNothing) {
  clock = CronClock((noon - 60) / 60);
  EXPECT_EQ(RunsAt(at_noon, noon + 130), 1);
}

TEST_F(CronClockTest, TheHourThatSummerTimeTakesAwayIsMadeUpFor) {
  const int64_t leap = Moment(3, 29, 1, 0);  // 02:00 is 03:00
  const CronFields in_the_gap{.minute = 30, .hour = 2};
  EXPECT_EQ(Runs(in_the_gap, leap - 7200, leap + 7200), 1);
  clock = CronClock();
  EXPECT_EQ(Runs(every_minute, leap - 600, leap + 600), 20);
}

TEST_F(CronClockTest, TheHourThatComesTwiceIsUsedOnce) {
  const int64_t leap = Moment(10, 25, 1, 0);  // 03:00 is 02:00
  const CronFields in_the_hour{.minute = 30, .hour = 2};
  EXPECT_EQ(Runs(in_the_hour, leap - 7200, leap + 7200), 1);
  clock = CronClock();
  EXPECT_EQ(Runs(every_minute, leap - 600, leap + 600), 20);
  clock = CronClock();
  EXPECT_EQ(Runs({.minute = 30}, leap - 3600, leap + 3600), 2);
}

TEST_F(CronClockTest, AReloadWithinTheHourThatComesTwiceRepeatsNothing) {
  const int64_t leap = Moment(10, 25, 1, 0);  // 03:00 is 02:00
  const CronFields in_the_hour{.minute = 30, .hour = 2};
  EXPECT_EQ(Runs(in_the_hour, leap - 7200, leap + 600), 1);
  clock = CronClock(clock.done(), clock.local());
  EXPECT_EQ(Runs(in_the_hour, leap + 600, leap + 7200), 0);
}

TEST_F(CronClockTest, AClockThatIsPutForwardALittleMissesNoFixedMoment) {
  Runs(every_minute, noon - 120, noon - 60);
  EXPECT_EQ(RunsAt(at_noon, noon + 1200), 1);
  clock = CronClock();
  Runs(every_minute, noon - 120, noon - 60);
  EXPECT_EQ(RunsAt(every_minute, noon + 1200), 1);
}

TEST_F(CronClockTest, AClockThatIsPutBackALittleRepeatsNoFixedMoment) {
  EXPECT_EQ(RunsAt(at_noon, noon), 1);
  EXPECT_EQ(Runs(at_noon, noon - 600, noon + 120), 0);
  EXPECT_EQ(Runs(every_minute, noon + 120, noon + 240), 2);
}

TEST_F(CronClockTest, AClockThatWasWrongByDaysBeginsAnew) {
  RunsAt(at_noon, noon - 86400 * 400);
  EXPECT_EQ(RunsAt(at_noon, noon + 60), 0);
  EXPECT_EQ(RunsAt(at_noon, noon), 0);
  RunsAt(at_noon, noon - 86400 * 30);
  EXPECT_EQ(RunsAt(at_noon, noon), 1);
}

}  // namespace
}  // namespace uwsgi
