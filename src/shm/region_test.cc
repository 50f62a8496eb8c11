// SPDX-License-Identifier: Apache-2.0
#include "shm/region.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace uwsgi {
namespace {

struct alignas(128) Wide {
  int value = 7;
};

TEST(SharedRegion, HoldsWhatItsSizeWasAddedUpFor) {
  SharedSize size;
  size.Add<char>(3);
  size.Add<Wide>(2);
  size.Add<char>();
  size.Add<Wide>(100);
  SharedRegion region = SharedRegion::Create(size).value();
  EXPECT_TRUE(region.Carve<char>(3));
  const auto wide = region.Carve<Wide>(2).value();
  EXPECT_TRUE(region.Carve<char>());
  EXPECT_TRUE(region.Carve<Wide>(100));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.data()) % alignof(Wide), 0U);
  EXPECT_EQ(wide[1].value, 7);
  EXPECT_LE(region.used(), size.bytes());
}

TEST(SharedRegion, RefusesMoreThanItHas) {
  SharedRegion region = SharedRegion::Create(1).value();
  EXPECT_FALSE(region.Carve<char>(region.size() + 1));
  EXPECT_TRUE(region.Carve<char>(region.size()));
  EXPECT_FALSE(region.Carve<char>());
}

TEST(SharedRegion, ShowsTheParentWhatTheChildWrites) {
  SharedRegion region = SharedRegion::Create(sizeof(std::atomic<int>)).value();
  std::atomic<int>& number = region.Carve<std::atomic<int>>().value()[0];
  EXPECT_EQ(number.load(), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    number.store(42);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(number.load(), 42);
}

}  // namespace
}  // namespace uwsgi
