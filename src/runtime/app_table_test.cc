// SPDX-License-Identifier: Apache-2.0
#include "runtime/app_table.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

struct Chosen {
  int app;
  std::string script_name;
  std::string path_info;
};

Chosen Choose(const AppTable& table, std::string_view script_name, std::string_view path_info) {
  Request request;
  request.vars.Set(CgiName::kScriptName, script_name);
  request.vars.Set(CgiName::kPathInfo, path_info);
  const int app = table.Choose(request);
  return {app, std::string(request.vars.Get(CgiName::kScriptName)),
          std::string(request.vars.Get(CgiName::kPathInfo))};
}

AppTable TwoMounts(AppTableSpec spec) {
  AppTable table(spec);
  table.Add("");
  table.Add("/x");
  table.Add("/y/");
  table.Add("/x/deep");
  return table;
}

TEST(AppTable, HasNoApplicationWhenEmpty) {
  EXPECT_EQ(Choose(AppTable({}), "", "/").app, AppTable::kNone);
}

TEST(AppTable, ChoosesByExactScriptName) {
  const AppTable table = TwoMounts({});
  EXPECT_EQ(Choose(table, "/x", "/1").app, 1);
  EXPECT_EQ(Choose(table, "/xy", "/1").app, 0);
  EXPECT_EQ(Choose(table, "", "/x/1").app, 0);
}

TEST(AppTable, IgnoresScriptNameWhenTold) {
  EXPECT_EQ(Choose(TwoMounts({.ignore_script_name = true}), "/x", "/1").app, 0);
}

TEST(AppTable, SplitsThePathAtTheLongestMountPointOfWholeSegments) {
  const AppTable table = TwoMounts({.manage_script_name = true});
  Chosen chosen = Choose(table, "", "/x/1");
  EXPECT_EQ(chosen.app, 1);
  EXPECT_EQ(chosen.script_name, "/x");
  EXPECT_EQ(chosen.path_info, "/1");
  chosen = Choose(table, "", "/x");
  EXPECT_EQ(chosen.script_name, "/x");
  EXPECT_EQ(chosen.path_info, "");
  chosen = Choose(table, "", "/x/deep/2");
  EXPECT_EQ(chosen.app, 3);
  EXPECT_EQ(chosen.path_info, "/2");
  chosen = Choose(table, "", "/xy");
  EXPECT_EQ(chosen.app, 0);
  EXPECT_EQ(chosen.script_name, "");
  EXPECT_EQ(chosen.path_info, "/xy");
}

TEST(AppTable, TrailingSlashOfAMountPointTakesNothingFromThePath) {
  const AppTable table = TwoMounts({.manage_script_name = true});
  EXPECT_EQ(Choose(table, "", "/y").path_info, "");
  EXPECT_EQ(Choose(table, "", "/y/").path_info, "/");
  EXPECT_EQ(Choose(table, "", "/y/2").path_info, "/2");
  EXPECT_EQ(Choose(table, "", "/y/2").script_name, "/y");
}

TEST(AppTable, FirstMountIsTheDefault) {
  AppTable table({});
  table.Add("host|");
  table.Add("/x");
  table.Add("/y");
  EXPECT_EQ(table.default_app(), 1);
  EXPECT_EQ(Choose(table, "/nobody", "/").app, 1);
}

TEST(AppTable, KnowsNoDefaultWhenToldSo) {
  AppTable table({.no_default_app = true});
  table.Add("/x");
  EXPECT_EQ(Choose(table, "", "/").app, AppTable::kNone);
  EXPECT_EQ(Choose(table, "/x", "/").app, 0);
}

TEST(AppTable, AppidComesBeforeScriptName) {
  const AppTable table = TwoMounts({});
  Request request;
  request.vars.Set(CgiName::kScriptName, "/x");
  request.vars.Set(CgiName::kUwsgiAppid, "/y");
  EXPECT_EQ(table.Choose(request), 2);
}

TEST(AppTable, PutsTheHostInFrontOfTheKeyForVirtualHosts) {
  AppTable table({.host_key = AppTableSpec::HostKey::kHttpHost});
  table.Add("/fallback");
  table.Add("h.example|");
  Request request;
  request.vars.Set(CgiName::kHttpHost, "h.example");
  EXPECT_EQ(table.Choose(request), 1);
  request.vars.Set(CgiName::kHttpHost, "other.example");
  EXPECT_EQ(table.Choose(request), 0);
}

}  // namespace
}  // namespace uwsgi
