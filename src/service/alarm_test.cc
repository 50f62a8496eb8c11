// SPDX-License-Identifier: Apache-2.0
#include "service/alarm.h"

#include <gtest/gtest.h>

#include "testing/in_child.h"

namespace uwsgi {
namespace {

Alarms Make(std::vector<AlarmRule> rules = {}, bool has_master = true) {
  return Alarms::Create({.alarms = {{.name = "first"}, {.name = "second"}},
                         .rules = std::move(rules),
                         .longest_text = 20,
                         .has_master = has_master})
      .value();
}

std::string Taken(Alarms& alarms, int64_t now_s = 100) {
  const auto raised = alarms.Take(now_s);
  return raised ? raised->alarm->name + ": " + raised->text : "";
}

TEST(Alarms, ReachTheMasterFromOtherProcesses) {
  Alarms alarms = Make();
  EXPECT_EQ(InChild([&] { return alarms.Raise("second", "smoke") ? 0 : 1; }), 0);
  EXPECT_EQ(Taken(alarms), "second: smoke");
  EXPECT_EQ(Taken(alarms), "");
}

TEST(Alarms, AreNotRaisedWhenUnknownOrTooLongOrWithoutAMaster) {
  Alarms alarms = Make();
  EXPECT_FALSE(alarms.Raise("third", "smoke"));
  EXPECT_FALSE(alarms.Raise("first", std::string(21, 'x')));
  EXPECT_TRUE(alarms.Raise("first", std::string(20, 'x')));
  EXPECT_FALSE(Make({}, false).Raise("first", "smoke"));
}

TEST(Alarms, OfAnOccasionAreAllRaisedWithWhatFitsOfTheText) {
  Alarms alarms = Make();
  alarms.RaiseAll({1, 0}, "twenty bytes of text, and more");
  EXPECT_EQ(Taken(alarms), "second: twenty bytes of text");
  EXPECT_EQ(Taken(alarms), "first: twenty bytes of text");
}

TEST(Alarms, AreNotRepeatedWithinAWhile) {
  Alarms alarms = Make();
  for (const char* text : {"smoke", "smoke", "fire"}) alarms.Raise("first", text);
  EXPECT_EQ(Taken(alarms), "first: smoke");
  EXPECT_EQ(Taken(alarms), "first: fire");
  alarms.Raise("first", "fire");
  EXPECT_EQ(Taken(alarms, 102), "");
  alarms.Raise("first", "fire");
  EXPECT_EQ(Taken(alarms, 103), "first: fire");
}

TEST(Alarms, AreRaisedByLinesOfTheLog) {
  Alarms alarms = Make(
      {{.alarm = 1, .pattern = "err(or)?"}, {.alarm = 1, .pattern = "no error", .raises = false}});
  for (const char* line : {"all is well\n", "an error\n", "no error\n", "ALARM: an error\n",
                           "Sun - ALARM: an error\n"})
    alarms.ScanLine(line, /*is_of_master=*/true);
  EXPECT_EQ(Taken(alarms), "second: an error");
  EXPECT_EQ(Taken(alarms), "");
  alarms.ScanLine("a client says: error - ALARM: ", /*is_of_master=*/false);
  EXPECT_EQ(Taken(alarms), "second: a client says: error") << "which has the length of a text here";
}

TEST(Alarms, LoseWhatNobodyTakesAndDoNotWait) {
  Alarms alarms = Make();
  int sent = 0;
  while (alarms.Raise("first", std::to_string(sent))) ASSERT_LT(++sent, 1000000);
  EXPECT_EQ(Taken(alarms), "first: 0");
}

}  // namespace
}  // namespace uwsgi
