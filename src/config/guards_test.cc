// SPDX-License-Identifier: Apache-2.0
#include "config/guards.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

bool KeepsAway(std::string_view option, std::string_view value) {
  return WhyRefused(*FindOption(option), value).starts_with("this release has no routing");
}

TEST(Guards, AreRulesThatAskForAPasswordOrEndRequests) {
  EXPECT_TRUE(KeepsAway("route", "^/admin basicauth:Zone,foo:bar"));
  EXPECT_TRUE(KeepsAway("route-run", "basicauth-next:Zone,/etc/users"));
  EXPECT_TRUE(KeepsAway("route-remote-addr", "^192\\.0\\.2\\. break:403 Forbidden"));
  EXPECT_TRUE(KeepsAway("route-if-not", "equal:${REMOTE_USER};alice   return:401"));
}

TEST(Guards, AreNotOtherRulesNorOtherOptions) {
  EXPECT_FALSE(KeepsAway("route", "^/old redirect:https://example.org/new"));
  EXPECT_FALSE(KeepsAway("route-if", "exists:/srv/maintenance break:503 Later"));
  EXPECT_FALSE(KeepsAway("route", "^/basicauth log:basic"));
  EXPECT_FALSE(KeepsAway("response-route-run", "break:404"));
  EXPECT_FALSE(KeepsAway("log-format", "basicauth: break:403"));
}

TEST(Guards, RefuseWhatWouldLeaveNoApplicationOrLessConfinement) {
  EXPECT_EQ(WhyRefused(*FindOption("paste"), "config:/srv/site.ini"),
            "this release cannot load an application this way");
  EXPECT_NE(WhyRefused(*FindOption("unshare"), "net"), "");
  EXPECT_EQ(WhyRefused(*FindOption("paste-logger"), ""), "");
  EXPECT_EQ(WhyRefused(*FindOption("wsgi-file"), "paste"), "");
}

}  // namespace
}  // namespace uwsgi
