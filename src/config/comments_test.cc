// SPDX-License-Identifier: Apache-2.0
#include "config/comments.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

TEST(Comments, EndAValueAtAMarkBehindABlank) {
  EXPECT_EQ(WithoutComment("uwsgi.pid // where it is"), "uwsgi.pid");
  EXPECT_EQ(WithoutComment("128   ; max"), "128");
  EXPECT_EQ(WithoutComment("false\t# why"), "false");
  EXPECT_EQ(WithoutComment("4 #four"), "4");
}

TEST(Comments, EndAValueAtTheFirstMark) { EXPECT_EQ(WithoutComment("a ; b # c"), "a"); }

TEST(Comments, LeaveAMarkWithoutBlankInFront) {
  EXPECT_EQ(WithoutComment("http://host/#top"), "http://host/#top");
  EXPECT_EQ(WithoutComment("a;b"), "a;b");
  EXPECT_EQ(WithoutComment("//srv/x"), "//srv/x");
  EXPECT_EQ(WithoutComment("#4"), "#4");
}

TEST(Comments, LeaveNothingOfAValueThatIsAllComment) {
  EXPECT_EQ(WithoutComment("# none"), "");
  EXPECT_EQ(WithoutComment("; none"), "");
  EXPECT_EQ(WithoutComment("// none"), "");
}

TEST(Comments, AreSuspectedInFreeTextBetweenBlanksOnly) {
  EXPECT_TRUE(LooksCommented("%(method) ; the method"));
  EXPECT_TRUE(LooksCommented("run this #"));
  EXPECT_FALSE(LooksCommented("a #b"));
  EXPECT_FALSE(LooksCommented("http://host/ a;b"));
  EXPECT_FALSE(LooksCommented(""));
}

}  // namespace
}  // namespace uwsgi
