// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_blacklist.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(VassalBlacklist, MakesEachPauseLongerUpToALimit) {
  VassalBlacklist blacklist(10, 25);
  EXPECT_TRUE(blacklist.MayStart("a", 0));
  blacklist.NoteFailure("a", 100, 1);
  EXPECT_FALSE(blacklist.MayStart("a", 109));
  EXPECT_TRUE(blacklist.MayStart("a", 110));
  blacklist.NoteFailure("a", 200, 2);
  EXPECT_FALSE(blacklist.MayStart("a", 219));
  blacklist.NoteFailure("a", 300, 3);
  EXPECT_TRUE(blacklist.MayStart("a", 325));
  EXPECT_TRUE(blacklist.MayStart("b", 0));
  EXPECT_EQ(blacklist.entries().at("a").attempts, 3);
  EXPECT_EQ(blacklist.entries().at("a").first_failure, 1);
  EXPECT_EQ(blacklist.entries().at("a").last_failure, 3);
}

TEST(VassalBlacklist, ForgetsWhoHasProvenItself) {
  VassalBlacklist blacklist(10, 25);
  blacklist.NoteFailure("a", 100, 1);
  blacklist.Forget("a");
  EXPECT_TRUE(blacklist.MayStart("a", 100));
  blacklist.NoteFailure("a", 100, 1);
  blacklist.Clear();
  EXPECT_TRUE(blacklist.MayStart("a", 100));
}

TEST(VassalBlacklist, ForgetsWhoIsGoneOnceThePauseIsOver) {
  VassalBlacklist blacklist(10, 25);
  blacklist.NoteFailure("gone", 100, 1);
  blacklist.NoteFailure("there", 100, 1);
  const auto is_gone = [](const std::string& name) { return name == "gone"; };
  blacklist.ForgetIf(is_gone, 105);
  EXPECT_FALSE(blacklist.MayStart("gone", 105));
  blacklist.ForgetIf(is_gone, 110);
  EXPECT_EQ(blacklist.entries().size(), 1U);
  EXPECT_TRUE(blacklist.entries().contains("there"));
}

TEST(VassalBlacklist, ReportsEachFailureOnce) {
  VassalBlacklist blacklist(10, 25);
  EXPECT_FALSE(blacklist.ReportOnce("a"));
  blacklist.NoteFailure("a", 100, 1);
  EXPECT_TRUE(blacklist.ReportOnce("a"));
  EXPECT_FALSE(blacklist.ReportOnce("a"));
  blacklist.NoteFailure("a", 200, 1);
  EXPECT_TRUE(blacklist.ReportOnce("a"));
}

}  // namespace
}  // namespace uwsgi
