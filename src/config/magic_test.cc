// SPDX-License-Identifier: Apache-2.0
#include "config/magic.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace uwsgi {
namespace {

namespace fs = std::filesystem;

TEST(Magic, ReplacesLettersAndDropsUnknownOnes) {
  const MagicTable magic = {{'n', "site"}, {'k', "4"}};
  EXPECT_EQ(ExpandMagic("%n/%k", magic), "site/4");
  EXPECT_EQ(ExpandMagic("a%zb", magic), "ab");
}

TEST(Magic, LeavesPlaceholdersAndLonePercentSigns) {
  EXPECT_EQ(ExpandMagic("%%Y %(name) 100%", {}), "%Y %(name) 100%");
  EXPECT_EQ(ExpandMagic("a = 50%\r\nb = 50%\nc", {}), "a = 50%\r\nb = 50%\nc");
}

TEST(Magic, KnowsTheFactsOfAFile) {
  std::string folder = (fs::temp_directory_path() / "magicXXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path directory = fs::canonical(folder);
  fs::create_directory(directory / "app.d");
  std::ofstream(directory / "app.d/site.prod.ini") << "[uwsgi]\n";
  fs::create_symlink(directory / "app.d/site.prod.ini", directory / "link.ini");

  MagicTable magic = FileMagic((directory / "app.d/../app.d/site.prod.ini").string(), "blog");
  EXPECT_EQ(magic['o'], (directory / "app.d/../app.d/site.prod.ini").string());
  EXPECT_EQ(magic['p'], (directory / "app.d/site.prod.ini").string());
  EXPECT_EQ(magic['s'], "site.prod.ini");
  EXPECT_EQ(magic['n'], "site.prod");
  EXPECT_EQ(magic['e'], "ini");
  EXPECT_EQ(magic['d'], (directory / "app.d/").string());
  EXPECT_EQ(magic['c'], "app.d");
  EXPECT_EQ(magic['x'], "blog");
  EXPECT_EQ("/" + magic['0'], "/" + directory.relative_path().begin()->string());
  EXPECT_EQ(magic['9'], "");
  EXPECT_FALSE(magic['i'].empty());
  EXPECT_EQ(CapitalMagic(magic)['N'], "site.prod");
  EXPECT_EQ(CapitalMagic(magic).count('0'), 0u);
  EXPECT_EQ(FileMagic((directory / "link.ini").string(), "")['n'], "link");
  fs::remove_all(directory);
}

TEST(Magic, HashesThePathLikeThePredecessor) {
  EXPECT_EQ(FileMagic("/no-such-folder/a.ini", "")['j'], "9EC33BA5");
}

TEST(Magic, KnowsOnlyTheNameOfAStream) {
  MagicTable magic = FileMagic("fd://3", "");
  EXPECT_EQ(magic['o'], "fd://3");
  EXPECT_EQ(magic['p'], "");
  EXPECT_EQ(magic['n'], "");
}

TEST(Magic, KnowsTheFactsOfTheProcess) {
  MagicTable magic = ProcessMagic("uwsgi");
  EXPECT_EQ(magic['v'], fs::current_path().string());
  EXPECT_EQ(magic['u'], std::to_string(::getuid()));
  EXPECT_EQ(magic['['], "\033");
  EXPECT_FALSE(magic['V'].empty());
  EXPECT_NE(magic['k'], "0");
}

}  // namespace
}  // namespace uwsgi
