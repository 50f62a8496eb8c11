// SPDX-License-Identifier: Apache-2.0
#include "service/log_router.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

using Sent = std::vector<std::pair<int, std::string>>;  // -1: the main log

struct LogRouterTest : testing::Test {
  Sent Route(std::string_view line, LogStream stream = LogStream::kServer) {
    const LogRouter router = LogRouter::Create(spec).value();
    Sent sent;
    for (const auto& [logger, message] : router.Route(stream, std::string(line) + "\n", 0)) {
      sent.emplace_back(logger == LogRouter::kMain ? -1 : static_cast<int>(logger), message);
    }
    return sent;
  }
  static LoggerSpec Logger(std::string id) {
    LoggerSpec logger;
    logger.id = std::move(id);
    return logger;
  }
  static LogEncoder Encoder(std::string_view text) { return LogEncoder::Parse(text).value(); }

  LogSpec spec;
};

TEST_F(LogRouterTest, WithoutLoggersEverythingGoesToTheMainLog) {
  EXPECT_EQ(Route("x"), (Sent{{-1, "x\n"}}));
  EXPECT_EQ(Route("r", LogStream::kRequests), (Sent{{-1, "r\n"}}));
}

TEST_F(LogRouterTest, EveryUnnamedLoggerGetsEveryLine) {
  spec.server.loggers = {Logger(""), Logger("named"), Logger("")};
  EXPECT_EQ(Route("x"), (Sent{{0, "x\n"}, {2, "x\n"}}));
}

TEST_F(LogRouterTest, ARouteTakesLinesAwayFromTheUnnamed) {
  spec.server.loggers = {Logger(""), Logger("a"), Logger("b")};
  spec.server.routes = {{"a", "err"}, {"b", "or$"}, {"missing", "x"}};
  EXPECT_EQ(Route("error"), (Sent{{1, "error\n"}, {2, "error\n"}}));
  EXPECT_EQ(Route("x"), (Sent{{0, "x\n"}}));
}

TEST_F(LogRouterTest, OnlyNamedLoggersLeaveTheRestToTheMainLog) {
  spec.server.loggers = {Logger("a")};
  spec.server.routes = {{"a", "err"}};
  EXPECT_EQ(Route("error"), (Sent{{0, "error\n"}}));
  EXPECT_EQ(Route("other"), (Sent{{-1, "other\n"}}));
}

TEST_F(LogRouterTest, RequestsHaveLoggersRoutesAndEncodersOfTheirOwn) {
  spec.server.loggers = {Logger("")};
  spec.requests.loggers = {Logger(""), Logger("slow")};
  spec.requests.routes = {{"slow", "9s"}};
  spec.requests.encoders = {Encoder("prefix R ")};
  spec.drains = {"."};
  EXPECT_EQ(Route("in 1s", LogStream::kRequests), (Sent{{1, "R in 1s\n"}}));
  EXPECT_EQ(Route("in 9s", LogStream::kRequests), (Sent{{2, "R in 9s\n"}}));
  EXPECT_EQ(Route("server"), Sent{});
}

TEST_F(LogRouterTest, WithoutThemRequestsAreServerLines) {
  spec.server.loggers = {Logger("")};
  spec.server.encoders = {Encoder("prefix S ")};
  spec.requests.encoders = {Encoder("prefix R ")};
  EXPECT_EQ(Route("x", LogStream::kRequests), (Sent{{0, "S x\n"}}));
}

TEST_F(LogRouterTest, DrainsAndFilters) {
  spec.drains = {"secret"};
  EXPECT_EQ(Route("a secret"), Sent{});
  EXPECT_EQ(Route("x").size(), 1U);
  spec.filters = {"keep", "this"};
  EXPECT_EQ(Route("keep").size(), 1U);
  EXPECT_EQ(Route("this").size(), 1U);
  EXPECT_EQ(Route("keep secret"), Sent{});
  EXPECT_EQ(Route("other"), Sent{});
}

TEST_F(LogRouterTest, EncodersRunInOrderAndSomeForOneLoggerOnly) {
  spec.server.loggers = {Logger(""), Logger("n")};
  spec.server.routes = {{"n", "^n"}};
  spec.server.encoders = {Encoder("prefix:n N "), Encoder("format <${msg}>"), Encoder("nl")};
  EXPECT_EQ(Route("x"), (Sent{{0, "<x>\n"}}));
  EXPECT_EQ(Route("nx"), (Sent{{1, "<N nx>\n"}}));
}

}  // namespace
}  // namespace uwsgi
