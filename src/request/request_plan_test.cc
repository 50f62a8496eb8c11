// SPDX-License-Identifier: Apache-2.0
#include "request/request_plan.h"

#include <gtest/gtest.h>

#include "config/options.h"

namespace uwsgi {
namespace {

void Give(ListOption& list, std::string option, std::string text) {
  list.push_back({std::move(text), {"site.ini", 4}, 0, std::move(option)});
}

TEST(RequestPlan, OfNoOptionsHasTheDocumentedLimits) {
  const RequestSpec spec = PlanRequests({}).value();
  EXPECT_EQ(spec.head_limit, 65536U);
  EXPECT_EQ(spec.body_limit, 0U);
  EXPECT_EQ(spec.body_in_memory, 65536U);
  EXPECT_FALSE(spec.post_buffering);
  EXPECT_EQ(spec.socket_timeout_ms, 4000);
  EXPECT_EQ(spec.head_timeout_ms, 60'000);
  EXPECT_EQ(spec.keepalive_timeout_ms, 60'000);
  EXPECT_TRUE(spec.log.enabled);
  EXPECT_FALSE(spec.dynamic_apps);
  EXPECT_FALSE(spec.server_name.empty());
}

TEST(RequestPlan, TakesTimesAndSizesFromTheOptions) {
  Options options;
  options.http_timeout = 20;
  options.http_headers_timeout = 5;
  options.http_keepalive = 7;
  options.socket_timeout = 30;
  options.post_buffering = 4096;
  options.limit_post = 100;
  const RequestSpec spec = PlanRequests(options).value();
  EXPECT_EQ(spec.head_timeout_ms, 5000);
  EXPECT_EQ(spec.keepalive_timeout_ms, 7000);
  EXPECT_EQ(spec.body_timeout_ms, 30'000);
  EXPECT_EQ(spec.write_timeout_ms, 30'000);
  EXPECT_TRUE(spec.post_buffering);
  EXPECT_EQ(spec.body_in_memory, 4096U);
  EXPECT_EQ(spec.body_limit, 100U);
}

TEST(RequestPlan, ABareKeepAliveLastsAsLongAsHttpTimeout) {
  Options options;
  options.http_timeout = 20;
  options.http_keepalive = 1;
  EXPECT_EQ(PlanRequests(options).value().keepalive_timeout_ms, 20'000);
}

TEST(RequestPlan, ChecksHeadersThatAreAdded) {
  Options good;
  Give(good.add_header, "add-header", "X-A:  1 ");
  EXPECT_EQ(PlanRequests(good).value().add_headers, std::vector<std::string>{"X-A: 1"});
  for (const std::string text : {"no colon", "X: a\nY: b", "X Y: 1", ": 1"}) {
    Options bad;
    Give(bad.add_header, "add-header", text);
    const auto planned = PlanRequests(bad);
    ASSERT_FALSE(planned) << text;
    EXPECT_NE(planned.error().message.find("\"add-header\""), std::string::npos);
    EXPECT_NE(planned.error().message.find("site.ini:4"), std::string::npos);
  }
}

TEST(RequestPlan, SplitsHttpVars) {
  Options options;
  Give(options.http_var, "http-var", "KEY=a=b");
  Give(options.http_var, "http-var", "BARE");
  const auto vars = PlanRequests(options).value().http_vars;
  ASSERT_EQ(vars.size(), 2U);
  EXPECT_EQ(vars[0], std::make_pair(std::string("KEY"), std::string("a=b")));
  EXPECT_EQ(vars[1], std::make_pair(std::string("BARE"), std::string()));
}

TEST(RequestPlan, RefusesATrustedProxyThatIsNoAddress) {
  Options options;
  Give(options.http_trusted_proxy, "trusted-proxy", "no address");
  const auto planned = PlanRequests(options);
  ASSERT_FALSE(planned);
  EXPECT_NE(planned.error().message.find("site.ini:4"), std::string::npos);
}

}  // namespace
}  // namespace uwsgi
