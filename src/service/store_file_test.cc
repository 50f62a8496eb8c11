// SPDX-License-Identifier: Apache-2.0
#include "service/store_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

TEST(StoreFile, ATrialCountsAllStoresOfADisk) {
  const TempDir folder;
  const uint64_t more_than_half = std::filesystem::space(folder.path()).available / 5 * 3;
  EXPECT_TRUE(StoreFile::TryMake(folder / "one", more_than_half));
  const auto second = StoreFile::TryMake(folder / "two", more_than_half);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error_number, ENOSPC);
  EXPECT_TRUE(StoreFile::TryMake(folder / "three", more_than_half / 10));
}

}  // namespace
}  // namespace uwsgi
