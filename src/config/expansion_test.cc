// SPDX-License-Identifier: Apache-2.0
#include "config/expansion.h"

#include <gtest/gtest.h>

#include "config/arithmetic.h"

namespace uwsgi {
namespace {

std::vector<Setting> Settings(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  std::vector<Setting> settings;
  for (const auto& [name, value] : pairs) {
    settings.push_back({name, value, true, false, {}, static_cast<int>(settings.size())});
  }
  return settings;
}

// The value of the last setting.
std::string ExpandLast(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  const std::vector<Setting> settings = Settings(pairs);
  const Result<std::string> value = Placeholders(settings).Expand(settings.back());
  return value ? *value : "error: " + value.error().text();
}

Environment TestEnvironment() {
  const std::vector<std::string> words = {"HOME=/home/me", "EMPTY=", "NESTED=<$(HOME)>",
                                          "LOOP=$(LOOP)", "noise"};
  return Environment(words);
}

TEST(Expansion, ReplacesVariablesOfTheEnvironment) {
  EXPECT_EQ(ExpandEnvironment("a$(HOME)b$(EMPTY)c", TestEnvironment()), "a/home/mebc");
  EXPECT_EQ(ExpandEnvironment("$(NESTED)", TestEnvironment()), "</home/me>");
}

TEST(Expansion, LeavesWhatIsNotDefined) {
  EXPECT_EQ(ExpandEnvironment("$(NOT_THERE) $HOME $(HOME", TestEnvironment()),
            "$(NOT_THERE) $HOME $(HOME");
  EXPECT_EQ(ExpandShellStyle("$NOT_THERE ${NOT_THERE} $ ${ $1 $", TestEnvironment()),
            "$NOT_THERE ${NOT_THERE} $ ${ $1 $");
  EXPECT_EQ(ExpandLast({{"log-format", "%(method) %(uri) %("}}), "%(method) %(uri) %(");
}

TEST(Expansion, ReplacesShellStyleVariables) {
  EXPECT_EQ(ExpandShellStyle("$HOME/a:${HOME}b:$HOMEB", TestEnvironment()),
            "/home/me/a:/home/meb:$HOMEB");
}

TEST(Expansion, RefusesAVariableThatNamesItself) {
  ASSERT_FALSE(ExpandEnvironment("$(LOOP)", TestEnvironment()).has_value());
}

TEST(Expansion, TakesTheFirstSettingOfAName) {
  EXPECT_EQ(ExpandLast({{"x", "1"}, {"x", "2"}, {"y", "%(x)"}}), "1");
}

TEST(Expansion, ReplacesWhatIsDefinedLater) {
  const std::vector<Setting> settings = Settings({{"y", "%(x)"}, {"x", "1"}});
  EXPECT_EQ(Placeholders(settings).Expand(settings.front()), "1");
}

TEST(Expansion, ResolvesFullyWhereverTheReferenceStands) {
  EXPECT_EQ(ExpandLast({{"x", "%(z)"}, {"z", "1"}, {"y", "%(x)"}}), "1");
  EXPECT_EQ(ExpandLast({{"x", "%(z)"}, {"z", "1"}, {"w", "p%(x)q%(x)"}}), "p1q1");
}

TEST(Expansion, LetsALaterSettingBuildUponTheFirst) {
  EXPECT_EQ(ExpandLast({{"path", "/a"}, {"path", "%(path)/b"}}), "/a/b");
}

TEST(Expansion, RefusesCycles) {
  EXPECT_EQ(ExpandLast({{"x", "a%(x)"}}), "error: %(x) refers to itself: x -> x");
  EXPECT_EQ(ExpandLast({{"a", "%(b)"}, {"b", "%(c)"}, {"c", "%(a)"}}),
            "error: %(c) refers to itself: c -> a -> b -> c");
  EXPECT_EQ(ExpandLast({{"x", "%(x + 1)"}}), "error: %(x) refers to itself: x -> x + 1 -> x");
}

TEST(Expansion, RefusesAValueThatGrowsWithoutMeasure) {
  std::vector<Setting> settings = Settings({{"v0", "0123456789"}});
  for (int i = 1; i < 12; ++i) {
    std::string value;
    for (int copy = 0; copy < 10; ++copy) value += "%(v" + std::to_string(i - 1) + ")";
    settings.push_back({"v" + std::to_string(i), value, true, false, {}, i});
  }
  EXPECT_FALSE(Placeholders(settings).Expand(settings.back()).has_value());
}

TEST(Expansion, RefusesReferencesThatAreTooDeep) {
  std::vector<Setting> settings = Settings({{"a0", "x"}});
  for (int i = 1; i < 50'000; ++i) {
    settings.push_back({fmt::format("a{}", i), fmt::format("%(a{})", i - 1), true, false, {}, i});
  }
  const Placeholders placeholders(settings);
  EXPECT_EQ(placeholders.Expand("%(a60)").value(), "x");
  EXPECT_EQ(placeholders.Expand("%(a49999)").error().text(),
            "%(a49935) is referred to through more than 64 others");
}

TEST(Expansion, RefusesReferencesThatAreTooMany) {
  std::vector<Setting> settings = Settings({{"a0", ""}});
  for (int i = 1; i < 40; ++i) {
    settings.push_back(
        {fmt::format("a{}", i), fmt::format("%(a{0})%(a{0})", i - 1), true, false, {}, i});
  }
  const auto expanded = Placeholders(settings).Expand("%(a39)");
  ASSERT_FALSE(expanded);
  EXPECT_NE(expanded.error().text().find("more than 10000 references"), std::string::npos);
}

TEST(Expansion, CalculatesFromLeftToRight) {
  const auto with = [](const char* expression) {
    return ExpandLast({{"n1", "3"}, {"n2", "4"}, {"r", expression}});
  };
  EXPECT_EQ(with("%(n1 + n2)"), "7");
  EXPECT_EQ(with("%(n1 n2)"), "34");
  EXPECT_EQ(with("%(n1 ++)"), "4");
  EXPECT_EQ(with("%(n1 * 2 + 1)"), "7");
  EXPECT_EQ(with("%(1 + n1 * 2)"), "8");
  EXPECT_EQ(with("%(n1 / 0)"), "0");
  EXPECT_EQ(with("%(n1 - n2)"), "-1");
  EXPECT_EQ(with("%(nothing n1)"), "3");
  EXPECT_EQ(with("%(9223372036854775807 + 1)"), "-9223372036854775808");
}

TEST(Expansion, RefusesAFileThatIsNotThere) {
  EXPECT_FALSE(ExpandResources("@(/nowhere/at/all)").has_value());
  EXPECT_EQ(ExpandResources("me@host (x)"), "me@host (x)");
}

TEST(Expansion, ListsReferencedNames) {
  EXPECT_EQ(ReferencedNames("%(a)/%(b * 2)"),
            (std::vector<std::string>{"a", "b * 2", "b", "*", "2"}));
}

}  // namespace
}  // namespace uwsgi
