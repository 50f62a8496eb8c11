// SPDX-License-Identifier: Apache-2.0
#include "request/uwsgi_protocol.h"

#include <gtest/gtest.h>

#include <map>

#include "testing/connection_harness.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

using Vars = std::vector<std::pair<std::string, std::string>>;

std::string Packet(const Vars& vars, uint8_t modifier1 = 0) {
  std::string block;
  for (const auto& [name, value] : vars) EXPECT_TRUE(AppendVar(block, name, value));
  return MakeUwsgiPacket(modifier1, 0, block).value();
}

struct UwsgiTest : testing::Test {
  std::string Ask(std::string_view bytes, size_t step = 100'000) {
    ConnectionHarness harness(
        [this](Request& request, Response& response) {
          ++requests;
          for (const Var& var : request.vars.vars())
            vars[std::string(var.name)] = std::string(var.value);
          scheme = std::string(request.scheme);
          char piece[100];
          while (!request.body.AtEnd()) {
            const auto got = request.body.Read(piece, sizeof piece);
            if (!got) break;
            body.append(piece, *got);
          }
          ASSERT_TRUE(response.Start("200 OK"));
          response.Write("ok", {});
        },
        spec, ListenerProtocol::kUwsgi);
    std::string answer;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
      answer += harness.Talk(bytes.substr(0, step));
    closed = harness.is_over() || harness.connection().phase() == Phase::kLingering;
    return answer;
  }

  RequestSpec spec;
  std::map<std::string, std::string> vars;
  std::string body, scheme;
  int requests = 0;
  bool closed = false;
};

TEST_F(UwsgiTest, MakesARequestOfAPacket) {
  EXPECT_EQ(Ask(Packet({{"REQUEST_METHOD", "POST"},
                        {"PATH_INFO", "/p"},
                        {"SERVER_PROTOCOL", "HTTP/1.1"},
                        {"CONTENT_LENGTH", "4"},
                        {"X_OWN", "1"}}) +
                "body"),
            "HTTP/1.1 200 OK\r\n\r\nok");
  EXPECT_EQ(vars["PATH_INFO"], "/p");
  EXPECT_EQ(vars["X_OWN"], "1");
  EXPECT_EQ(body, "body");
  EXPECT_TRUE(closed);
}

TEST_F(UwsgiTest, TakesAPacketByteByByte) {
  EXPECT_EQ(Ask(Packet({{"REQUEST_METHOD", "GET"}, {"PATH_INFO", "/p"}}), 1),
            "HTTP/1.0 200 OK\r\n\r\nok");
  EXPECT_EQ(vars["PATH_INFO"], "/p");
}

TEST_F(UwsgiTest, AnswersHeadWithoutABody) {
  EXPECT_EQ(Ask(Packet({{"REQUEST_METHOD", "HEAD"}})), "HTTP/1.0 200 OK\r\n\r\n");
}

TEST_F(UwsgiTest, EchoesVersionsOnly) {
  EXPECT_EQ(Ask(Packet({{"SERVER_PROTOCOL", "X\r\nSet-Cookie: a"}})), "HTTP/1.0 200 OK\r\n\r\nok");
}

TEST_F(UwsgiTest, KnowsHttpsFromItsVariables) {
  Ask(Packet({{"HTTPS", "on"}}));
  EXPECT_EQ(scheme, "https");
  Ask(Packet({{"UWSGI_SCHEME", "https"}}));
  EXPECT_EQ(scheme, "https");
  Ask(Packet({{"HTTP_X_FORWARDED_PROTO", "https"}}));
  EXPECT_EQ(scheme, "http") << "front servers pass on what clients say";
}

TEST_F(UwsgiTest, CutsTheScriptNameForModifier30) {
  Ask(Packet({{"SCRIPT_NAME", "/app"}, {"PATH_INFO", "/app/x"}}, 30));
  EXPECT_EQ(vars["PATH_INFO"], "/x");
  Ask(Packet({{"SCRIPT_NAME", "/app"}, {"PATH_INFO", "/apple"}}, 30));
  EXPECT_EQ(vars["PATH_INFO"], "/apple");
  Ask(Packet({{"SCRIPT_NAME", "/app"}, {"PATH_INFO", "/app"}}, 30));
  EXPECT_EQ(vars["PATH_INFO"], "");
}

TEST_F(UwsgiTest, LeavesAPathThatIsShorterThanTheScriptName) {
  Ask(Packet({{"SCRIPT_NAME", "/application"}, {"PATH_INFO", "/app"}}, 30));
  EXPECT_EQ(vars["PATH_INFO"], "/app");
  vars.clear();
  Ask(Packet({{"SCRIPT_NAME", "/app"}, {"REQUEST_METHOD", "GET"}}, 30));
  EXPECT_FALSE(vars.contains("PATH_INFO"));
}

TEST_F(UwsgiTest, DoesNotLetAPeerNameCodeUnlessAllowed) {
  const std::string packet = Packet({{"UWSGI_FILE", "/tmp/evil.py"}, {"PATH_INFO", "/"}});
  Ask(packet);
  EXPECT_FALSE(vars.contains("UWSGI_FILE"));
  EXPECT_EQ(vars["PATH_INFO"], "/");
  spec.dynamic_apps = true;
  Ask(packet);
  EXPECT_EQ(vars["UWSGI_FILE"], "/tmp/evil.py");
}

TEST_F(UwsgiTest, AnswersAPing) {
  EXPECT_EQ(Ask(std::string("\x64\0\0\0", 4)), kUwsgiPong);
  EXPECT_EQ(requests, 0);
}

TEST_F(UwsgiTest, DropsWhatIsNoRequest) {
  std::string cut = Packet({{"A", "1"}});
  cut[4] = '\xff';  // a name longer than the packet
  const std::string unnamed("\0\x04\0\0\0\0\0\0", 8);
  const std::string empty("\0\0\0\0", 4);
  for (const std::string& bytes : {cut, unnamed, empty, Packet({{"A", "1"}}, 17),
                                   Packet({{"A", "1"}}, 111), Packet({{"A", "1"}}, 173)}) {
    EXPECT_EQ(Ask(bytes), "");
    EXPECT_TRUE(closed);
  }
  spec.head_limit = 4096;
  EXPECT_EQ(Ask(Packet({{"A", std::string(5000, 'a')}})), "");
  EXPECT_EQ(requests, 0);
}

TEST_F(UwsgiTest, LimitsTheNumberOfVariables) {
  spec.vars_limit = 4;
  EXPECT_EQ(Ask(Packet({{"A", "1"}, {"B", "2"}, {"C", "3"}, {"D", "4"}, {"E", "5"}, {"F", "6"}})),
            "");
  EXPECT_EQ(requests, 0);
}

TEST_F(UwsgiTest, ABadContentLengthIs400) {
  for (const std::string length : {"-1", "1x", "0x5", "99999999999999999999"}) {
    EXPECT_TRUE(Ask(Packet({{"CONTENT_LENGTH", length}})).starts_with("HTTP/1.1 400 ")) << length;
  }
  EXPECT_EQ(requests, 0);
}

}  // namespace
}  // namespace uwsgi
