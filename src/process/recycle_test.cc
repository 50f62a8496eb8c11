// SPDX-License-Identifier: Apache-2.0
#include "process/recycle.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr uint64_t kMegabyte = uint64_t{1024} * 1024;

constexpr RecycleSpec kSpec{.min_lifetime_us = 10 * kSecond,
                            .max_lifetime_us = 100 * kSecond,
                            .max_lifetime_delta_us = 5 * kSecond,
                            .address_space = 1000 * kMegabyte,
                            .resident = 100 * kMegabyte,
                            .evil_resident = 200 * kMegabyte};

WorkerAge Worker(int64_t age_s, uint64_t resident_mb, uint64_t address_space_mb = 0) {
  return {.id = 1,
          .age_us = age_s * kSecond,
          .memory = {.resident = resident_mb * kMegabyte,
                     .address_space = address_space_mb * kMegabyte}};
}

TEST(Recycle, AWorkerWithinItsLimitsStays) {
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(100, 99, 999)), RecycleReason::kNone);
  EXPECT_EQ(ReasonToRecycle({}, Worker(1'000'000, 1'000'000)), RecycleReason::kNone);
}

TEST(Recycle, EachLimitHasItsReason) {
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(101, 1)), RecycleReason::kTooOld);
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(50, 100)), RecycleReason::kResident);
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(50, 1, 1000)), RecycleReason::kAddressSpace);
}

TEST(Recycle, AYoungWorkerIsSparedByAllButTheEvilLimits) {
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(9, 150)), RecycleReason::kNone);
  EXPECT_EQ(ReasonToRecycle(kSpec, Worker(1, 200)), RecycleReason::kEvilResident);
  EXPECT_TRUE(IsEvil(RecycleReason::kEvilResident));
  EXPECT_FALSE(IsEvil(RecycleReason::kResident));
}

TEST(Recycle, LifetimesAreSpreadByTheDelta) {
  WorkerAge third = Worker(108, 1);
  third.id = 3;
  EXPECT_EQ(ReasonToRecycle(kSpec, third), RecycleReason::kNone);
  third.age_us = 111 * kSecond;
  EXPECT_EQ(ReasonToRecycle(kSpec, third), RecycleReason::kTooOld);
}

TEST(Recycle, SaysWhyInTheWordsThatScriptsLookFor) {
  EXPECT_EQ(DescribeRecycling(RecycleReason::kTooOld, Worker(101, 1), 7),
            "worker 1 lifetime reached, it was running for 101 second(s)");
  EXPECT_EQ(DescribeRecycling(RecycleReason::kEvilResident, Worker(101, 1), 7),
            "*** EVIL RELOAD ON WORKER 1 RSS: 1048576 (pid: 7) ***");
}

TEST(Memory, OfThisProcessIsKnownAndOfNoneIsAnError) {
  const auto memory = MemoryOf(::getpid());
  ASSERT_TRUE(memory);
  EXPECT_GT(memory->resident, kMegabyte);
  EXPECT_GT(memory->address_space, memory->resident);
  EXPECT_FALSE(MemoryOf(-1));
}

}  // namespace
}  // namespace uwsgi
