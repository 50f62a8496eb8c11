// SPDX-License-Identifier: Apache-2.0
#include "request/access_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "testing/connection_harness.h"

namespace uwsgi {
namespace {

std::string logged;

struct AccessLogTest : testing::Test {
  void SetUp() override {
    logged.clear();
    before_ = SetLogSink([](std::string_view lines) { logged.append(lines); });
  }
  void TearDown() override { SetLogSink(before_); }

  // The line of one request that is answered with a status and some text.
  std::string LineOf(std::string_view request, ByteView status = "200 OK",
                     ByteView text = "hello") {
    ConnectionHarness* running = nullptr;
    ConnectionHarness harness(
        [&](Request& incoming, Response& response) {
          incoming.app = 0;
          incoming.app_requests = 7;
          incoming.log_vars = log_vars;
          incoming.log_always = log_always;
          ASSERT_TRUE(response.Start(status));
          ASSERT_TRUE(response.AddHeader("X-Own", "1"));
          response.SetBodyLength(text.size());
          response.Write(text, {});
          AccessLog log(spec, 3);
          wanted = log.Wants(incoming, response, micros);
          if (wanted) log.Add(incoming, response, {micros, 42});
          log.Flush();
        },
        {}, ListenerProtocol::kHttpSocket, trusted);
    running = &harness;
    running->Talk(request);
    return std::exchange(logged, {});
  }

  AccessLogSpec spec;
  std::vector<std::pair<std::string, std::string>> log_vars;
  int64_t micros = 1500;
  bool log_always = false;
  bool wanted = false;
  bool trusted = false;

 private:
  LogSink before_ = nullptr;
};

constexpr std::string_view kGet = "GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: ua\r\n\r\n";

TEST_F(AccessLogTest, WritesTheUsualLine) {
  const std::string line = LineOf(kGet);
  EXPECT_TRUE(line.starts_with(fmt::format("[pid: {}|app: 0|req: 7/42] 0.0.0.0 () {{", ::getpid())))
      << line;
  EXPECT_NE(line.find("] GET /a?b => generated 5 bytes in 1 msecs (HTTP/1.1 200) 1 headers in "),
            std::string::npos)
      << line;
  EXPECT_TRUE(line.ends_with(" bytes (1 switches on core 0)\n")) << line;
}

TEST_F(AccessLogTest, WritesTheFormatThatIsAskedFor) {
  spec.format =
      "%(method) %(uri) %(proto) %(status) %(rsize) %(host) %(uagent) %(micros) %(wid) "
      "%(var.HTTP_HOST) [%(own)] %(user) 100%";
  log_vars = {{"own", "value"}};
  EXPECT_EQ(LineOf(kGet), "GET /a?b HTTP/1.1 200 5 h ua 1500 3 h [value] - 100%\n");
}

TEST_F(AccessLogTest, NothingThatAClientSendsForgesALine) {
  spec.format = "%(uagent)|%(own)";
  log_vars = {{"own", "a\nb\x1b[2J"}};
  EXPECT_EQ(LineOf("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: \t\xc3\xa9\tx\r\n\r\n"),
            "\xc3\xa9\\x09x|a\\x0ab\\x1b[2J\n");
}

TEST_F(AccessLogTest, AJsonTemplateStaysJsonWhateverIsInTheValues) {
  spec.format = R"j({"agent":"%(uagent)","own":"%(own)","none":"%(none)","status":%(status)})j";
  log_vars = {{"own", "a\"\\\n\xff"}};
  const std::string line = LineOf("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: \"\\\xfe\"\r\n\r\n");
  const Json object = ParseJson(line).value();
  EXPECT_EQ(object["agent"].text(), "\"\\\xef\xbf\xbd\"");
  EXPECT_EQ(object["own"].text(), "a\"\\\n\xef\xbf\xbd");
  EXPECT_EQ(object["none"].text(), "-");
  EXPECT_EQ(object["status"].integer(), 200);
}

TEST_F(AccessLogTest, WritesAnObjectWithLogJson) {
  spec.json = true;
  log_vars = {{"k\"ey", "va\x01lue"}};
  const std::string line =
      LineOf("GET /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: \"\\\t\xc3\r\n\r\n", "404 Not Found");
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const Json object = ParseJson(line).value();
  EXPECT_EQ(object["level"].text(), "warning");
  EXPECT_EQ(object["process"].text(), "worker");
  EXPECT_EQ(object["worker"].integer(), 3);
  EXPECT_EQ(object["pid"].integer(), ::getpid());
  EXPECT_EQ(object["type"].text(), "request");
  EXPECT_EQ(object["method"].text(), "GET");
  EXPECT_EQ(object["uri"].text(), "/a?b");
  EXPECT_EQ(object["user_agent"].text(), "\"\\\t\xef\xbf\xbd");
  EXPECT_EQ(object["status"].integer(), 404);
  EXPECT_EQ(object["duration_us"].integer(), 1500);
  EXPECT_EQ(object["body_bytes"].integer(), 5);
  EXPECT_EQ(object["vars"]["k\"ey"].text(), "va\x01lue");
  EXPECT_FALSE(object.Has("message"));
  spec.format = "%(method) said \"%(uagent)\"";
  EXPECT_EQ(ParseJson(LineOf(kGet)).value()["message"].text(), "GET said \"ua\"");
}

TEST_F(AccessLogTest, MetricsAreAskedFor) {
  spec.format = "%(metric.worker.1.requests) %(metric.none) %()%(unended";
  spec.metric = [](std::string_view name) { return name == "worker.1.requests" ? "12" : ""; };
  EXPECT_EQ(LineOf(kGet), "12 - -%(unended\n");
}

TEST_F(AccessLogTest, KeepsAHugeRequestWithinALine) {
  const std::string line =
      LineOf("GET /" + std::string(6000, 'u') + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_LE(line.size(), 4096U);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_NE(line.find("] - - => generated 5 bytes"), std::string::npos) << line;
}

TEST_F(AccessLogTest, WritesOnlyWhatIsWantedWhenItIsOff) {
  spec.enabled = false;
  EXPECT_EQ(LineOf(kGet), "");
  EXPECT_FALSE(wanted);
  log_always = true;
  LineOf(kGet);
  EXPECT_TRUE(wanted);
  log_always = false;
  spec.log_4xx = true;
  LineOf(kGet, "404 Not Found");
  EXPECT_TRUE(wanted);
  LineOf(kGet, "500 Oops");
  EXPECT_FALSE(wanted);
  spec.log_5xx = true;
  LineOf(kGet, "500 Oops");
  EXPECT_TRUE(wanted);
  spec.slow_ms = 2;
  LineOf(kGet);
  EXPECT_FALSE(wanted);
  micros = 2000;
  LineOf(kGet);
  EXPECT_TRUE(wanted);
  micros = 0;
  spec.big_bytes = 6;
  LineOf(kGet);
  EXPECT_FALSE(wanted);
  LineOf(kGet, "200 OK", "longer");
  EXPECT_TRUE(wanted);
  spec.log_zero = true;
  LineOf(kGet, "200 OK", "");
  EXPECT_TRUE(wanted);
}

TEST_F(AccessLogTest, ShowsTheForwardedAddressWhenAsked) {
  constexpr std::string_view kForwarded =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n";
  spec.format = "%(addr)";
  trusted = true;
  EXPECT_EQ(LineOf(kForwarded), "0.0.0.0\n");
  spec.forwarded_for = true;
  EXPECT_EQ(LineOf(kForwarded), "192.0.2.9\n");
}

}  // namespace
}  // namespace uwsgi
