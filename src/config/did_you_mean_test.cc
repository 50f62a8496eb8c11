// SPDX-License-Identifier: Apache-2.0
#include "config/did_you_mean.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(DidYouMean, FindsTheMisspellingsSeenInTheWild) {
  EXPECT_EQ(NearestOption("vaccum"), "vacuum");
  EXPECT_EQ(NearestOption("vacum"), "vacuum");
  EXPECT_EQ(NearestOption("process"), "processes");
  EXPECT_EQ(NearestOption("py-callos-afterfork"), "py-call-osafterfork");
}

TEST(DidYouMean, FoldsCaseAndUnderscores) {
  EXPECT_EQ(NearestOption("Master"), "master");
  EXPECT_EQ(NearestOption("max_requests"), "max-requests");
  EXPECT_EQ(NearestOption("chmod_socket"), "chmod-socket");
}

TEST(DidYouMean, SeesSwappedLetters) { EXPECT_EQ(NearestOption("maseter"), "master"); }

TEST(DidYouMean, CompletesTheBeginningOfOneOption) {
  EXPECT_EQ(NearestOption("undeferred"), "undeferred-shared-socket");
}

TEST(DidYouMean, LeavesNamesOfOtherThingsAlone) {
  for (const char* name :
       {"base", "project_name", "www", "domain", "autostart", "redirect_stderr", "x", ""}) {
    EXPECT_EQ(NearestOption(name), "") << name;
  }
}

TEST(DidYouMean, MakesAPhrase) {
  EXPECT_EQ(DidYouMean("vaccum"), ", did you mean \"vacuum\"?");
  EXPECT_EQ(DidYouMean("zzzzzzzzz"), "");
}

}  // namespace
}  // namespace uwsgi
