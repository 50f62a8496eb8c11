// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

std::string NamesOf(const Result<std::vector<VassalFile>>& files) {
  std::string names;
  for (const VassalFile& file : *files) names += file.name + " ";
  return names;
}

struct Place {
  Place() {
    for (const char* name : {"b.ini", "a.yml", "c.json", "d.xml", ".hidden.ini", "readme.txt",
                             "noextension", "e.skel"}) {
      EXPECT_TRUE(WriteFileAtomically(path(name), "[uwsgi]\n"));
    }
    std::filesystem::create_directory(path("dir.ini"));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder / name; }
  TempDir folder;
};

TEST(VassalFiles, AreConfigurationsByTheirExtension) {
  const Place place;
  const auto monitor = ParseVassalMonitor(place.folder.path().string());
  ASSERT_TRUE(monitor);
  EXPECT_EQ(NamesOf(FindVassals(*monitor, {})), "a.yml b.ini c.json d.xml ");
  EXPECT_EQ(NamesOf(FindVassals(*monitor, {.extra_extensions = {".skel"}})),
            "a.yml b.ini c.json d.xml e.skel ");
}

TEST(VassalFiles, OfAPatternHaveTheirPathsAsNames) {
  const Place place;
  const auto monitor = ParseVassalMonitor(place.path("*.ini"));
  ASSERT_TRUE(monitor);
  const auto files = FindVassals(*monitor, {});
  EXPECT_EQ(NamesOf(files), place.path("b.ini") + " ");
  EXPECT_EQ((*files)[0].directory, "");
  EXPECT_TRUE(FindVassals(*ParseVassalMonitor("/nonexistent/*.ini"), {})->empty());
}

TEST(VassalFiles, TellAnEmptyDirectoryFromOneThatIsGone) {
  std::optional<TempDir> folder(std::in_place);
  const auto monitor = ParseVassalMonitor("dir://" + folder->path().string());
  ASSERT_TRUE(monitor);
  EXPECT_TRUE(FindVassals(*monitor, {})->empty());
  folder.reset();
  EXPECT_FALSE(FindVassals(*monitor, {}));
}

TEST(VassalFiles, TellNoMatchFromALookThatFails) {
  const Place place;
  const auto monitor = ParseVassalMonitor(place.path("*.ini"));
  ASSERT_TRUE(monitor);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto files = FindVassals(*monitor, {});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(files);
  // Of several directories one may be none.
  EXPECT_TRUE(FindVassals(*ParseVassalMonitor(place.path("*/*.ini")), {}));
}

TEST(VassalFiles, AreNotWatchedForInOtherPlaces) {
  EXPECT_FALSE(ParseVassalMonitor("mongodb://127.0.0.1/x"));
  EXPECT_FALSE(ParseVassalMonitor("/nonexistent/vassals"));
  EXPECT_FALSE(ParseVassalMonitor("dir://"));
}

TEST(VassalFiles, ShowOwnerTimeAndWhoMayWrite) {
  const Place place;
  ::chmod(place.path("b.ini").c_str(), 0666);
  std::filesystem::create_symlink(place.path("b.ini"), place.path("z.ini"));
  const timespec times[2] = {{1000, 0}, {1000, 5}};
  ::utimensat(AT_FDCWD, place.path("b.ini").c_str(), times, 0);
  const auto monitor = ParseVassalMonitor(place.path("[bz].ini"));
  const auto followed = FindVassals(*monitor, {});
  ASSERT_EQ(followed->size(), 2U);
  EXPECT_EQ((*followed)[1].modified_ns, 1'000'000'000'005);
  EXPECT_TRUE((*followed)[1].writable_by_all);
  const auto links = FindVassals(*monitor, {.follow_links = false});
  EXPECT_NE((*links)[1].modified_ns, 1'000'000'000'005);
}

TEST(VassalFiles, AreReadByTheOptionOfTheirFormat) {
  EXPECT_EQ(VassalOptionOf("a.ini", {}), "--ini");
  EXPECT_EQ(VassalOptionOf("a.yml", {}), "--yaml");
  EXPECT_EQ(VassalOptionOf("a.js", {}), "--json");
  EXPECT_EQ(VassalOptionOf("a.bak", {}), "");
  EXPECT_EQ(VassalOptionOf("a.bak", {.extra_extensions = {"bak"}}), "--ini");
  EXPECT_EQ(VassalOptionOf("ini", {}), "");
}

}  // namespace
}  // namespace uwsgi
