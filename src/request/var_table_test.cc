// SPDX-License-Identifier: Apache-2.0
#include "request/var_table.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(VarTable, ReplacesAValueInPlace) {
  VarTable vars;
  vars.Set(CgiName::kRequestMethod, "GET");
  vars.SetByName("X_OWN", "1");
  vars.SetByName("REQUEST_METHOD", "POST");
  vars.SetByName("X_OWN", "2");
  ASSERT_EQ(vars.vars().size(), 2U);
  EXPECT_EQ(vars.vars()[0].value, "POST");
  EXPECT_EQ(vars.vars()[1].value, "2");
  EXPECT_EQ(vars.Get(CgiName::kRequestMethod), "POST");
  EXPECT_EQ(vars.FindByName("X_OWN")->value, "2");
}

TEST(VarTable, AVariableOfTheRequestHidesAConstant) {
  const Var constants[] = {{CgiName::kServerName, "SERVER_NAME", "host"},
                           {CgiName::kUnknown, "SITE", "one"}};
  VarTable vars;
  vars.SetConstants(constants);
  EXPECT_EQ(vars.Get(CgiName::kServerName), "host");
  EXPECT_EQ(vars.FindByName("SITE")->value, "one");
  vars.Set(CgiName::kServerName, "other");
  vars.SetByName("SITE", "two");
  EXPECT_EQ(vars.Get(CgiName::kServerName), "other");
  EXPECT_EQ(vars.FindByName("SITE")->value, "two");
  EXPECT_EQ(constants[0].value, "host");
}

TEST(VarTable, RemovingOneKeepsTheOthersFindable) {
  VarTable vars;
  vars.Set(CgiName::kRequestMethod, "GET");
  vars.Set(CgiName::kPathInfo, "/");
  vars.Set(CgiName::kQueryString, "q");
  vars.Remove(CgiName::kPathInfo);
  vars.Remove(CgiName::kPathInfo);
  EXPECT_FALSE(vars.Has(CgiName::kPathInfo));
  EXPECT_EQ(vars.Get(CgiName::kRequestMethod), "GET");
  EXPECT_EQ(vars.Get(CgiName::kQueryString), "q");
  vars.Set(CgiName::kPathInfo, "/new");
  EXPECT_EQ(vars.vars().back().value, "/new");
}

TEST(VarTable, IsEmptyAfterClear) {
  const Var constants[] = {{CgiName::kServerName, "SERVER_NAME", "host"}};
  VarTable vars;
  vars.SetConstants(constants);
  vars.Set(CgiName::kPathInfo, "/");
  vars.Clear();
  EXPECT_FALSE(vars.Has(CgiName::kServerName));
  EXPECT_FALSE(vars.Has(CgiName::kPathInfo));
  EXPECT_TRUE(vars.vars().empty());
}

}  // namespace
}  // namespace uwsgi
