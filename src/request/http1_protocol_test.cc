// SPDX-License-Identifier: Apache-2.0
#include "request/http1_protocol.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/connection_harness.h"

namespace uwsgi {
namespace {

struct Http1Test : testing::Test {
  // Sends a request and remembers what the application saw.
  std::string Ask(std::string_view bytes) {
    ConnectionHarness harness(
        [this](Request& request, Response& response) {
          for (const Var& var : request.vars.vars())
            vars[std::string(var.name)] = std::string(var.value);
          scheme = std::string(request.scheme);
          trusts_peer = request.trusts_peer;
          response.Plain(200, "");
        },
        spec, kind, trusted);
    harness.front().constants = constants;
    return harness.Talk(bytes);
  }

  RequestSpec spec;
  ListenerProtocol kind = ListenerProtocol::kHttpSocket;
  bool trusted = false;
  std::vector<Var> constants;
  std::map<std::string, std::string> vars;
  std::string scheme;
  bool trusts_peer = false;
};

TEST_F(Http1Test, MakesTheVariablesOfARequest) {
  Ask("POST /a%20b/../c?x=%20 HTTP/1.1\r\nHost: h:1\r\nContent-Type: t/t\r\nX-Own: 1\r\n"
      "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(vars["REQUEST_METHOD"], "POST");
  EXPECT_EQ(vars["REQUEST_URI"], "/a%20b/../c?x=%20");
  EXPECT_EQ(vars["PATH_INFO"], "/c");
  EXPECT_EQ(vars["QUERY_STRING"], "x=%20");
  EXPECT_EQ(vars["SERVER_PROTOCOL"], "HTTP/1.1");
  EXPECT_EQ(vars["HTTP_HOST"], "h:1");
  EXPECT_EQ(vars["CONTENT_TYPE"], "t/t");
  EXPECT_EQ(vars["CONTENT_LENGTH"], "0");
  EXPECT_EQ(vars["HTTP_X_OWN"], "1");
  EXPECT_EQ(vars["REMOTE_ADDR"], "0.0.0.0");
  EXPECT_FALSE(vars.contains("REMOTE_PORT"));
  EXPECT_FALSE(vars.contains("HTTP_CONTENT_TYPE"));
  EXPECT_EQ(scheme, "http");
}

TEST_F(Http1Test, JoinsRepeatedFields) {
  Ask("GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nCookie: a=1\r\nAccept: x\r\nX-A: 2\r\nCookie: b=2\r\n"
      "Accept: y\r\nX-A: 3\r\n\r\n");
  EXPECT_EQ(vars["HTTP_X_A"], "1, 2, 3");
  EXPECT_EQ(vars["HTTP_COOKIE"], "a=1; b=2");
  EXPECT_EQ(vars["HTTP_ACCEPT"], "x, y");
}

TEST_F(Http1Test, JoinsRepeatedFieldsWhateverTheirCase) {
  Ask("GET / HTTP/1.1\r\nHost: h\r\nX-a: 1\r\nx-A: \r\naccept: x\r\nX-A: 3\r\nACCEPT: y\r\n\r\n");
  EXPECT_EQ(vars["HTTP_X_A"], "1, , 3");
  EXPECT_EQ(vars["HTTP_ACCEPT"], "x, y");
}

// Joined one by one they would take 60 times as much.
TEST_F(Http1Test, TakesMemoryForRepeatedFieldsByTheirSize) {
  std::string request = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 200; ++i) request += "X-A: " + std::string(300, 'a') + "\r\n";
  size_t used = 0;
  ConnectionHarness harness(
      [&used](Request& r, Response& response) {
        used = r.arena.used();
        response.Plain(200, "");
      },
      spec);
  harness.Talk(request + "\r\n");
  EXPECT_GT(used, 200 * 302U);
  EXPECT_LT(used, 2 * request.size());
}

TEST_F(Http1Test, LetsNoFieldChangeAVariableOfTheOperator) {
  constants = {{CgiName::kUnknown, "HTTP_X_OWN", "ours"},
               {CgiName::kHttpXForwardedProto, "HTTP_X_FORWARDED_PROTO", "https"}};
  Ask("GET / HTTP/1.1\r\nHost: h\r\nX-Own: 1\r\nX-Own: 2\r\nX-Forwarded-Proto: http\r\n\r\n");
  EXPECT_FALSE(vars.contains("HTTP_X_OWN"));
  EXPECT_FALSE(vars.contains("HTTP_X_FORWARDED_PROTO"));
}

TEST_F(Http1Test, DropsFieldsThatCouldPassForOthers) {
  Ask("GET / HTTP/1.1\r\nHost: h\r\nX_A: 1\r\nProxy: evil\r\n\r\n");
  EXPECT_FALSE(vars.contains("HTTP_X_A"));
  EXPECT_FALSE(vars.contains("HTTP_PROXY"));
}

TEST_F(Http1Test, TheAuthorityOfAnAbsoluteTargetWins) {
  Ask("GET http://target:8/p?q HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_EQ(vars["HTTP_HOST"], "target:8");
  EXPECT_EQ(vars["REQUEST_URI"], "/p?q");
  EXPECT_EQ(vars["PATH_INFO"], "/p");
  vars.clear();
  Ask("GET http://target?q HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_EQ(vars["REQUEST_URI"], "/?q");
  vars.clear();
  Ask("GET http://target HTTP/1.1\r\nHost: other\r\n\r\n");
  EXPECT_EQ(vars["REQUEST_URI"], "/");
}

TEST_F(Http1Test, ABadEscapeIs400) {
  EXPECT_TRUE(Ask("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(Ask("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(vars.empty());
}

TEST_F(Http1Test, ARefusalOfHeadHasNoBody) {
  for (const std::string request :
       {"HEAD / HTTP/1.1\r\n\r\n", "HEAD /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"}) {
    const std::string answer = Ask(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << request;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << request;
  }
  EXPECT_TRUE(Ask("HEA / HTTP/1.1\r\n\r\n").ends_with("Bad Request"));
}

TEST_F(Http1Test, AHeadBeyondBufferSizeIs431) {
  spec.head_limit = 4096;
  EXPECT_TRUE(Ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(5000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431 "));
}

TEST_F(Http1Test, AnUnknownExpectationIs417) {
  EXPECT_TRUE(Ask("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n").starts_with("HTTP/1.1 417 "));
}

TEST_F(Http1Test, TakesForwardedSchemesFromTrustedPeersOnly) {
  constexpr std::string_view kRequest =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n\r\n";
  Ask(kRequest);
  EXPECT_EQ(scheme, "http");
  EXPECT_FALSE(trusts_peer);
  trusted = true;
  Ask(kRequest);
  EXPECT_EQ(scheme, "https");
  EXPECT_TRUE(trusts_peer);
}

TEST_F(Http1Test, TheRouterSocketTellsThePort) {
  kind = ListenerProtocol::kHttp;
  Ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(vars["REMOTE_PORT"], "0");
}

TEST_F(Http1Test, TakesThePeerFromAProxyLine) {
  spec.proxy_protocol = true;
  Ask("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(vars["REMOTE_ADDR"], "192.0.2.7");
}

TEST_F(Http1Test, ServesNothingWithoutTheProxyLineItExpects) {
  spec.proxy_protocol = true;
  EXPECT_EQ(Ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_EQ(Ask("PROXY TCP4 no 192.0.2.1 4711 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  ASSERT_TRUE(spec.trusted_proxies.Add("192.0.2.1"));
  EXPECT_EQ(Ask("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_TRUE(vars.empty());
}

TEST_F(Http1Test, ReadsAProxyLineOnlyOnce) {
  spec.proxy_protocol = true;
  const std::string answer =
      Ask("PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"
          "PROXY TCP4 192.0.2.8 192.0.2.1 4711 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
}

}  // namespace
}  // namespace uwsgi
