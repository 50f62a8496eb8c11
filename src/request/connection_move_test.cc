// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "testing/connection_harness.h"

namespace uwsgi {
namespace {

void Echo(Request& request, Response& response) {
  std::string body(request.vars.Get(CgiName::kPathInfo));
  body += '|';
  char piece[4096];
  for (;;) {
    const auto got = request.body.Read(piece, sizeof piece);
    if (!got || *got == 0) break;
    body.append(piece, *got);
  }
  ASSERT_TRUE(response.Start("200 OK"));
  response.SetBodyLength(body.size());
  response.Write(body, {});
}

// What would move when this has been received, in as many pieces as given.
std::string BytesThatMove(const std::vector<std::string>& pieces, RequestSpec spec = {}) {
  std::string moved;
  ConnectionHarness from(Echo, std::move(spec));
  from.on_ready = [&](Connection& connection) {
    moved = connection.MovableBytes();
    return true;
  };
  for (const std::string& piece : pieces) from.Talk(piece);
  return moved;
}

std::string AnswerElsewhere(const std::string& moved) {
  ConnectionHarness to(Echo);
  std::string answer = to.Adopt(moved);
  return answer + to.ReceiveAll();
}

std::string Post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", path,
                     body.size(), body);
}

TEST(ConnectionMove, CarriesTheBytesAsTheyCame) {
  const std::string request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(BytesThatMove({request}), request);
  EXPECT_NE(AnswerElsewhere(request).find("\r\n\r\n/a|"), std::string::npos);
}

TEST(ConnectionMove, LeavesThePeersLineBehind) {
  const std::string line = "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n";
  const std::string request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestSpec spec;
  spec.proxy_protocol = true;
  EXPECT_EQ(BytesThatMove({line + request}, spec), request);
  EXPECT_EQ(BytesThatMove({line, request}, spec), request);
  EXPECT_EQ(BytesThatMove({line + request.substr(0, 9), request.substr(9)}, spec), request);
}

TEST(ConnectionMove, CarriesABodyOfAnySizeInMemory) {
  for (const size_t size : {1U, 100U, 16'300U, 20'000U, 60'000U}) {
    const std::string request = Post("/b", std::string(size, 'x'));
    EXPECT_EQ(BytesThatMove({request}), request) << size;
    const std::string head = request.substr(0, 60);
    const std::string rest = request.size() > 60 ? request.substr(60) : "";
    EXPECT_EQ(
        BytesThatMove({head, rest.substr(0, 9000), rest.size() > 9000 ? rest.substr(9000) : ""}),
        request)
        << size;
  }
}

TEST(ConnectionMove, CarriesWhatFollows) {
  const std::string requests =
      Post("/a", "one") + "GET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHo";
  EXPECT_EQ(BytesThatMove({requests}), requests);
  const std::string answers = AnswerElsewhere(requests);
  EXPECT_NE(answers.find("/a|one"), std::string::npos);
  EXPECT_NE(answers.find("/b|"), std::string::npos);
  EXPECT_EQ(answers.find("/c|"), std::string::npos);
}

TEST(ConnectionMove, CarriesAChunkedBodyInChunks) {
  const std::string head = "POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string next = "GET /e HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string moved =
      BytesThatMove({head + "3;x=y\r\nabc\r\n", "2\r\nde\r\n0\r\n\r\n" + next});
  EXPECT_EQ(moved, head + "5\r\nabcde\r\n0\r\n\r\n" + next);
  const std::string answers = AnswerElsewhere(moved);
  EXPECT_NE(answers.find("/d|abcde"), std::string::npos);
  EXPECT_NE(answers.find("/e|"), std::string::npos);
  EXPECT_EQ(BytesThatMove({head + "0\r\n\r\n"}), head + "0\r\n\r\n");
}

TEST(ConnectionMove, TheSecondRequestOfAConnectionMovesAlone) {
  std::string moved;
  ConnectionHarness from(Echo);
  const std::string second = Post("/second", "two");
  from.on_ready = [&](Connection& connection) {
    moved = connection.MovableBytes();
    return from.requests == 2;
  };
  from.Talk("GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + second);
  EXPECT_EQ(moved, second);
}

TEST(ConnectionMove, StaysWhereSomethingOfItWasUsed) {
  RequestSpec buffering;
  buffering.post_buffering = true;
  buffering.body_in_memory = 16;
  EXPECT_EQ(BytesThatMove({Post("/file", std::string(100, 'x'))}, std::move(buffering)), "");
  EXPECT_EQ(BytesThatMove({"POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\nabc"}), "");
  EXPECT_EQ(BytesThatMove({"POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                           "Expect: 100-continue\r\n\r\n"}),
            "");
}

}  // namespace
}  // namespace uwsgi
