// SPDX-License-Identifier: Apache-2.0
#include "config/fd_value.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(FdValue, NamesADescriptorAndHowMuchToRead) {
  const auto bare = ParseFdValue("0");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->fd, 0);
  EXPECT_EQ(bare->bytes, 1U);
  const auto with_bytes = ParseFdValue("2:8");
  ASSERT_TRUE(with_bytes);
  EXPECT_EQ(with_bytes->fd, 2);
  EXPECT_EQ(with_bytes->bytes, 8U);
}

TEST(FdValue, RefusesWhatIsNoDescriptor) {
  for (const char* text : {"", "x", "-1", "0:", "0:0", "0:65537", "0:x", "99999999", "1048576"})
    EXPECT_FALSE(ParseFdValue(text)) << text;
}

}  // namespace
}  // namespace uwsgi
