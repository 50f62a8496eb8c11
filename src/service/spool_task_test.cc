// SPDX-License-Identifier: Apache-2.0
#include "service/spool_task.h"

#include <gtest/gtest.h>

#include "service/spool_name.h"

namespace uwsgi {
namespace {

SpoolTask Task(std::initializer_list<std::pair<std::string, std::string>> fields) {
  return {.fields = fields};
}

TEST(SpoolTask, HasTheBytesOfTheReference) {
  const auto bytes = EncodeSpoolTask(Task({{"ud_spool_func", "raw"}, {"ret", "None"}}));
  const std::string expected(
      "\x11\x1f\x00\x00\x0d\x00ud_spool_func\x03\x00raw\x03\x00ret\x04\x00None", 35);
  EXPECT_EQ(*bytes, expected);
}

TEST(SpoolTask, ComesBackWithItsBody) {
  SpoolTask task = Task({{"a", "1"}, {"b", std::string("\0\xff", 2)}, {"c", ""}});
  task.body = std::string(200'000, '\x11');
  const auto again = DecodeSpoolTask(*EncodeSpoolTask(task));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fields, task.fields);
  EXPECT_EQ(again->body, task.body);
  EXPECT_EQ(EncodeSpoolTask(task)->size(), SizeOfSpoolFile(task));
}

TEST(SpoolTask, RefusesAValueThatDoesNotFit) {
  EXPECT_TRUE(EncodeSpoolTask(Task({{"k", std::string(65530, 'x')}})));
  const auto refused = EncodeSpoolTask(Task({{"key", std::string(70'000, 'x')}}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("\"key\" has 70000 bytes"), std::string::npos);
}

TEST(SpoolTask, RefusesFieldsThatDoNotFitTogether) {
  EXPECT_FALSE(
      EncodeSpoolTask(Task({{"a", std::string(40'000, 'x')}, {"b", std::string(40'000, 'x')}})));
}

TEST(SpoolTask, RefusesAnotherModifierAndCutFields) {
  std::string bytes = *EncodeSpoolTask(Task({{"key", "value"}}));
  EXPECT_EQ(MissingSpoolBytes(bytes.substr(0, bytes.size() - 2)), 2U);
  EXPECT_EQ(MissingSpoolBytes(bytes.substr(0, 3)), 1U);
  EXPECT_FALSE(DecodeSpoolTask(bytes.substr(0, bytes.size() - 2)));
  bytes[4] = 9;  // the key runs past the end
  EXPECT_FALSE(DecodeSpoolTask(bytes));
  bytes[4] = 3;
  EXPECT_TRUE(DecodeSpoolTask(bytes));
  bytes[0] = 0;
  EXPECT_FALSE(DecodeSpoolTask(bytes));
  EXPECT_FALSE(DecodeSpoolTask(""));
}

TEST(SpoolTask, KeepsTheLastOfRepeatedKeys) {
  const std::string bytes(
      "\x11\x0a\x00\x00\x01\x00k\x01\x00"
      "1\x01\x00k\x00\x00",
      14);
  const auto task = DecodeSpoolTask(bytes);
  EXPECT_FALSE(task);  // cut: a key of one byte and no value
  const std::string whole(
      "\x11\x0b\x00\x00\x01\x00k\x01\x00"
      "1\x01\x00k\x00\x00",
      15);
  ASSERT_TRUE(DecodeSpoolTask(whole));
  EXPECT_EQ(DecodeSpoolTask(whole)->Find("k"), "");
}

TEST(SpoolPlacement, ReadsItsKeys) {
  const auto placed =
      PlacementOf(Task({{"spooler", "/s"}, {"priority", "7"}, {"at", "1795327930.75"}}));
  ASSERT_TRUE(placed);
  EXPECT_EQ(placed->spooler, "/s");
  EXPECT_EQ(placed->priority, "7");
  EXPECT_EQ(placed->at_s, 1795327930);
  EXPECT_FALSE(PlacementOf(Task({{"at", "tomorrow"}})));
  EXPECT_FALSE(PlacementOf(Task({{"at", "-1"}})));
}

TEST(SpoolPlacement, RefusesPrioritiesThatLeaveTheDirectory) {
  for (const char* name :
       {"..", ".", "a/b", "/etc", "failed", ".running", "uwsgi_spoolfile_on_x"}) {
    EXPECT_FALSE(PlacementOf(Task({{"priority", name}}))) << name;
  }
  EXPECT_TRUE(IsPriorityName("abc"));
  EXPECT_TRUE(IsPriorityName("7"));
}

TEST(SpoolName, IsNewEachTimeAndSortsByTime) {
  const std::string first = NextSpoolName(), second = NextSpoolName();
  EXPECT_NE(first, second);
  EXPECT_TRUE(IsTaskName(first, false));
  EXPECT_LT(SpoolOrder(first), SpoolOrder(second));
}

TEST(SpoolName, SortsByTimeBetweenProducers) {
  const SpoolOrder older("uwsgi_spoolfile_on_a_host_99_7_1234_1795327889_5");
  const SpoolOrder newer("uwsgi_spoolfile_on_a_host_1_1_1234_1795327889_236533");
  EXPECT_LT(older, newer);
  EXPECT_EQ(older.pid, 99U);
  EXPECT_EQ(older.counter, 7U);
  EXPECT_LT(SpoolOrder("10"), older);
  EXPECT_LT(SpoolOrder("2"), SpoolOrder("10"));
}

TEST(SpoolName, NumbersAreTasksOnlyWhenAskedFor) {
  EXPECT_TRUE(IsTaskName("12", true));
  EXPECT_FALSE(IsTaskName("12", false));
  EXPECT_FALSE(IsTaskName("12a", true));
}

TEST(SpoolName, SortsPrioritiesByNumberThenByName) {
  EXPECT_TRUE(PriorityBefore("2", "10"));
  EXPECT_TRUE(PriorityBefore("10", "abc"));
  EXPECT_FALSE(PriorityBefore("abc", "10"));
  EXPECT_TRUE(PriorityBefore("abc", "abd"));
}

}  // namespace
}  // namespace uwsgi
