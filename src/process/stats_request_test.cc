// SPDX-License-Identifier: Apache-2.0
#include "process/stats_request.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using Kind = StatsRequest::Kind;

StatsPage PageOf(std::string_view bytes) { return ReadStatsRequest(bytes).page; }

TEST(StatsRequest, WaitsForEnoughToTell) {
  EXPECT_EQ(ReadStatsRequest("").kind, Kind::kUnknown);
  EXPECT_EQ(ReadStatsRequest("GE").kind, Kind::kUnknown);
  EXPECT_EQ(ReadStatsRequest("GET / HTTP/1.1\r\nHost: a\r\n").kind, Kind::kPartial);
  EXPECT_EQ(ReadStatsRequest("GET / HTTP/1.1\r\nHost: a\r\n\r\n").kind, Kind::kComplete);
  EXPECT_EQ(ReadStatsRequest("GET / HTTP/1.1\n\n").kind, Kind::kComplete);
}

TEST(StatsRequest, TakesEverythingElseForARawClient) {
  EXPECT_EQ(ReadStatsRequest("hello").kind, Kind::kRaw);
  EXPECT_EQ(ReadStatsRequest("\n").kind, Kind::kRaw);
  EXPECT_EQ(ReadStatsRequest("GET\n").kind, Kind::kRaw);
  EXPECT_EQ(ReadStatsRequest(std::string(100, 'A')).kind, Kind::kRaw);
}

TEST(StatsRequest, FindsThePage) {
  EXPECT_EQ(PageOf("GET /stats HTTP/1.1\r\n\r\n"), StatsPage::kJson);
  EXPECT_EQ(PageOf("GET /metrics?x=1 HTTP/1.1\r\n\r\n"), StatsPage::kMetrics);
  EXPECT_EQ(PageOf("GET /healthz HTTP/1.0\r\n\r\n"), StatsPage::kHealth);
  EXPECT_EQ(PageOf("GET /readyz HTTP/1.0\r\n\r\n"), StatsPage::kReadiness);
  EXPECT_EQ(PageOf("GET /anything HTTP/1.0\r\n\r\n"), StatsPage::kJson);
  EXPECT_EQ(PageOf("GET /healthz\n\n"), StatsPage::kHealth);
}

TEST(StatsRequest, GivesThePageForBrowsersToBrowsersOnly) {
  EXPECT_EQ(PageOf("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"), StatsPage::kJson);
  EXPECT_EQ(PageOf("GET / HTTP/1.1\r\n\r\n"), StatsPage::kJson);
  EXPECT_EQ(PageOf("GET / HTTP/1.1\r\nHost: a\r\nACCEPT: text/html,*/*\r\n\r\n"),
            StatsPage::kDashboard);
  EXPECT_EQ(PageOf("GET /stats HTTP/1.1\r\nAccept: text/html\r\n\r\n"), StatsPage::kJson);
}

TEST(StatsRequest, KnowsWhoWantsNoBody) {
  EXPECT_TRUE(ReadStatsRequest("HEAD / HTTP/1.1\r\n\r\n").head_only);
  EXPECT_FALSE(ReadStatsRequest("GET / HTTP/1.1\r\n\r\n").head_only);
}

}  // namespace
}  // namespace uwsgi
