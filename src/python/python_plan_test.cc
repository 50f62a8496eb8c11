// SPDX-License-Identifier: Apache-2.0
#include "python/python_plan.h"

#include <gtest/gtest.h>

#include "config/options.h"

namespace uwsgi {
namespace {

ListValue Value(const std::string& text) { return {.text = text, .origin = {"site.ini", 4}}; }

TEST(PythonPlan, TakesTheKindOfAMountFromItsEnding) {
  Options options;
  options.mount = {Value("/a=pkg.mod:app"), Value("/b=b.py"), Value("/c=c.wsgi")};
  const auto spec = PlanPython(options);
  ASSERT_TRUE(spec) << spec.error().text();
  ASSERT_EQ(spec->apps.size(), 3U);
  EXPECT_EQ(spec->apps[0].kind, AppSource::Kind::kModule);
  EXPECT_EQ(spec->apps[0].mountpoint, "/a");
  EXPECT_EQ(spec->apps[0].text, "pkg.mod:app");
  EXPECT_EQ(spec->apps[1].kind, AppSource::Kind::kFile);
  EXPECT_EQ(spec->apps[2].kind, AppSource::Kind::kFile);
}

TEST(PythonPlan, NamesTheLineOfAMountWithoutApplication) {
  Options options;
  options.mount = {Value("/a")};
  const auto spec = PlanPython(options);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().text(), "site.ini:4: mount = /a: PATH=APPLICATION is needed");
}

TEST(PythonPlan, SplitsArgumentsAtBlanksAndLeavesQuotesAlone) {
  Options options;
  options.pyargv = "a  \"b c\"";
  EXPECT_EQ(PlanPython(options)->interpreter.argv, (std::vector<std::string>{"a", "\"b", "c\""}));
}

TEST(PythonPlan, CallsTheApplicationApplicationUnlessToldOtherwise) {
  Options options;
  EXPECT_EQ(PlanPython(options)->callable, "application");
  options.callable = "app";
  EXPECT_EQ(PlanPython(options)->callable, "app");
}

}  // namespace
}  // namespace uwsgi
