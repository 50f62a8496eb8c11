// SPDX-License-Identifier: Apache-2.0
#include "config/help.h"

#include <gtest/gtest.h>

#include "config/option_table.h"

namespace uwsgi {
namespace {

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Help, ListsEveryOption) {
  const std::string text = HelpText("uwsgi", "");
  EXPECT_TRUE(text.starts_with("Usage: uwsgi [options...]\n"));
  for (const OptionRow& row : AllOptions()) {
    for (std::string_view name : row.names)
      EXPECT_TRUE(Contains(text, "--" + std::string(name))) << name;
  }
  EXPECT_TRUE(Contains(text, "\n    -p|--processes N  "));
  EXPECT_TRUE(Contains(text, "\nHTTP:\n"));
}

TEST(Help, ListsWhatHasToDoWithAWord) {
  const std::string text = HelpText("uwsgi", "HTTP");
  EXPECT_TRUE(Contains(text, "\n    --http-socket ADDRESS"));
  EXPECT_TRUE(Contains(text, "\n    --trusted-proxy ADDRESS"));
  EXPECT_FALSE(Contains(text, "--processes"));
}

TEST(Help, SaysWhenNothingHasToDoWithAWord) {
  EXPECT_TRUE(Contains(HelpText("uwsgi", "vaccum"),
                       "no option has to do with \"vaccum\", did you mean \"vacuum\"?"));
}

TEST(Help, SaysWhichOptionsHaveNoEffect) {
  EXPECT_TRUE(Contains(HelpText("uwsgi", "emperor-broodlord"), "(no effect yet)"));
  EXPECT_TRUE(Contains(HelpText("uwsgi", "emperor-use-clone"), "(refused yet)"));
}

TEST(Help, PrintsTheConfigurationAsAnIniFile) {
  Options options;
  options.settings = {{"master", "", false, true, {}, 0},
                      {"vacuum", "", true, true, {}, 1},
                      {"x", "a b", true, false, {}, 2}};
  EXPECT_EQ(ShowConfigText(options),
            "\n;uWSGI instance configuration\n[uwsgi]\nmaster = true\nvacuum = \nx = a b\n;end of "
            "configuration\n\n");
}

TEST(Help, PrintsTheFirstValueAskedFor) {
  Options options;
  options.settings = {{"x", "1", true, false, {}, 0}, {"x", "2", true, false, {}, 1}};
  options.get = {{"x", {}, 2, "get"}, {"y", {}, 3, "get"}};
  EXPECT_EQ(GetText(options), "1\n");
}

TEST(Help, PrintsEveryName) { EXPECT_TRUE(Contains(OptionNamesText(), "\nworkers\n")); }

}  // namespace
}  // namespace uwsgi
