// SPDX-License-Identifier: Apache-2.0
#include "service/signal_target.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using Kind = SignalTargetKind;

struct Case {
  const char* text;
  Kind kind;
  int id;
};

class SignalTargetTest : public testing::TestWithParam<Case> {};

TEST_P(SignalTargetTest, IsRead) {
  const SignalReceivers receivers{
      .workers = 2, .mules = 3, .farms = {{"fa", {1, 2}}, {"2", {3}}}, .has_spooler = true};
  const SignalTarget target = ParseSignalTarget(GetParam().text, receivers);
  EXPECT_EQ(target.kind, GetParam().kind);
  EXPECT_EQ(target.id, GetParam().id);
}

INSTANTIATE_TEST_SUITE_P(
    All, SignalTargetTest,
    testing::Values(Case{"", Kind::kAnyWorker, 0}, Case{"worker", Kind::kAnyWorker, 0},
                    Case{"worker0", Kind::kAnyWorker, 0}, Case{"workers", Kind::kEveryWorker, 0},
                    Case{"active-workers", Kind::kActiveWorkers, 0},
                    Case{"worker2", Kind::kWorker, 2}, Case{"worker3", Kind::kMissing, 0},
                    Case{"worker99999999999999999999", Kind::kUnsupported, 0},
                    Case{"mule", Kind::kAnyMule, 0}, Case{"mules", Kind::kEveryMule, 0},
                    Case{"mule3", Kind::kMule, 3}, Case{"mule4", Kind::kMissing, 0},
                    Case{"farm_fa", Kind::kFarm, 1}, Case{"farm_2", Kind::kFarm, 2},
                    Case{"farm2", Kind::kFarm, 2}, Case{"farm3", Kind::kMissing, 0},
                    Case{"farm_x", Kind::kMissing, 0}, Case{"spooler", Kind::kSpooler, 0},
                    Case{"subscribed", Kind::kSubscribed, 0}, Case{"bogus", Kind::kUnsupported, 0},
                    Case{"worker-1", Kind::kUnsupported, 0},
                    Case{"/spool", Kind::kUnsupported, 0}));

TEST(SignalTarget, WhatIsNotConfiguredIsMissing) {
  const SignalReceivers receivers{.workers = 1};
  for (const char* text : {"mule", "mules", "mule1", "farm1", "spooler"})
    EXPECT_EQ(ParseSignalTarget(text, receivers).kind, Kind::kMissing) << text;
}

}  // namespace
}  // namespace uwsgi
