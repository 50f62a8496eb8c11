// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/in_child.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

TEST(File, ARelativePathIsOfTheDirectoryThatWeAreIn) {
  const TempDir folder;
  EXPECT_EQ(AbsolutePath("/a/../b"), "/a/../b");
  EXPECT_EQ(AbsolutePath(""), "");
  EXPECT_EQ(InChild([&] {
              if (::chdir(folder.path().c_str()) != 0) return 2;
              return AbsolutePath("x/y") == folder / "x/y" ? 0 : 1;
            }),
            0);
}

TEST(File, ARelativePathStaysAsItIsWhereThatDirectoryIsGone) {
  const TempDir folder;
  const std::string lost = folder / "lost";
  EXPECT_EQ(InChild([&] {
              if (::mkdir(lost.c_str(), 0700) != 0 || ::chdir(lost.c_str()) != 0) return 2;
              if (::rmdir(lost.c_str()) != 0) return 3;
              return AbsolutePath("x/y") == "x/y" ? 0 : 1;
            }),
            0);
}

TEST(File, AnAtomicWriteReplacesTheWholeFileAndLeavesNoOther) {
  const TempDir folder;
  const std::string path = folder / "file";
  ASSERT_TRUE(WriteFileAtomically(path, "a long text of before"));
  ASSERT_TRUE(WriteFileAtomically(path, "new"));
  EXPECT_EQ(*ReadFile(path), "new");
  EXPECT_EQ(::rmdir(folder.path().c_str()), -1);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  EXPECT_EQ(::rmdir(folder.path().c_str()), 0);
  ASSERT_EQ(::mkdir(folder.path().c_str(), 0700), 0);
}

}  // namespace
}  // namespace uwsgi
