// SPDX-License-Identifier: Apache-2.0
#include "service/background_plan.h"

#include <gtest/gtest.h>

#include "config/loader.h"

namespace uwsgi {
namespace {

Result<BackgroundSpec> Plan(std::vector<std::string> arguments) {
  LoadRequest request;
  request.argv = {"uwsgi", "--master", "--processes", "2"};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  return PlanBackground(TRY(LoadOptions(request)));
}

TEST(BackgroundPlan, MulesComeInTheOrderOfTheConfiguration) {
  const auto spec = Plan({"--mule=job.py", "--mules", "2", "--mule", "--mule=m:main"}).value();
  EXPECT_EQ(spec.mule_programs, (std::vector<std::string>{"job.py", "", "", "", "m:main"}));
  EXPECT_EQ(spec.mule_link.mules, 5);
}

TEST(BackgroundPlan, FarmsNameTheirMules) {
  const auto spec = Plan({"--mules", "3", "--farm", "fa:1,3", "--farm", "fb:2"}).value();
  ASSERT_EQ(spec.receivers.farms.size(), 2U);
  EXPECT_EQ(spec.receivers.farms[0].name, "fa");
  EXPECT_EQ(spec.receivers.farms[0].mules, (std::vector<int>{1, 3}));
}

TEST(BackgroundPlan, ReadsTimersAndFileSignals) {
  const auto spec = Plan({"--timer", "7 60", "--rbtimer", "8 1", "--fs-signal", "/a b/c 9",
                          "--touch-signal", "/d 10"})
                        .value();
  ASSERT_EQ(spec.timers.size(), 2U);
  EXPECT_EQ(spec.timers[0].signal, 7);
  EXPECT_EQ(spec.timers[0].period_us, 60'000'000);
  EXPECT_EQ(spec.file_signals[0].path, "/a b/c");
  EXPECT_EQ(spec.file_signals[1].signal, 10);
}

TEST(BackgroundPlan, CommandsComeInTheOrderOfTheConfiguration) {
  const auto spec =
      Plan({"--unique-cron", "-1 -1 -1 -1 -1 one", "--cron2", "harakiri=5 two", "--cron",
            "-1 -1 -1 -1 -1 three", "--cron-harakiri", "9", "--cron2", "legion=x four"})
          .value();
  ASSERT_EQ(spec.crons.size(), 3U);
  EXPECT_TRUE(spec.crons[0].unique);
  EXPECT_EQ(spec.crons[1].harakiri_s, 5);
  EXPECT_EQ(spec.crons[2].harakiri_s, 9);
  EXPECT_EQ(spec.crons[2].command, "three");
}

TEST(BackgroundPlan, MistakesNameTheOptionAndItsPlace) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{"--cron", "5 5"}, "cron = 5 5: invalid cron syntax"},
      {{"--cron2", "second=1 x"}, "cron2 = second=1 x: invalid cron syntax: unknown key second"},
      {{"--timer", "256 1"}, "timer = 256 1: SIGNAL SECONDS is expected"},
      {{"--timer", "1 0"}, "timer = 1 0: SIGNAL SECONDS is expected"},
      {{"--rbtimer", "1"}, "rbtimer = 1: SIGNAL SECONDS"},
      {{"--fs-signal", "/a"}, "fs-signal = /a: FILE SIGNAL is expected"},
      {{"--mules", "x"}, "mules = x: a number"},
      {{"--mules", "1", "--farm", "fa:2"}, "invalid mule id: 2"},
      {{"--mules", "1", "--farm", "fa"}, "invalid farm value (fa) must be in the form"},
      {{"--mule-msg-recv-size", "0"}, "mule-msg-recv-size = 0"},
  };
  for (const auto& [arguments, message] : mistakes) {
    const auto spec = Plan(arguments);
    ASSERT_FALSE(spec) << message;
    EXPECT_EQ(spec.error().text().find(message), 0U) << spec.error().text();
    EXPECT_NE(spec.error().text().find("command line"), std::string::npos);
  }
}

}  // namespace
}  // namespace uwsgi
