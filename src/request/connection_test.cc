// SPDX-License-Identifier: Apache-2.0
#include "request/connection.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "testing/connection_harness.h"

namespace uwsgi {
namespace {

// Answers with the path and the body, "path:body"; a body that breaks off gives "path:!".
void Echo(Request& request, Response& response) {
  std::string text(request.vars.Get(CgiName::kPathInfo));
  text.push_back(':');
  char piece[1000];
  while (!request.body.AtEnd()) {
    const auto got = request.body.Read(piece, sizeof piece);
    if (!got) {
      text.push_back('!');
      break;
    }
    text.append(piece, *got);
  }
  ASSERT_TRUE(response.Start("200 OK"));
  response.SetBodyLength(text.size());
  response.Write(text, {});
}

void Unread(Request&, Response& response) {
  ASSERT_TRUE(response.Start("200 OK"));
  response.SetBodyLength(2);
  response.Write("ok", {});
}

ConnectionHarness::App Sends(size_t size) {
  return [size](Request&, Response& response) {
    ASSERT_TRUE(response.Start("200 OK"));
    response.SetBodyLength(size);
    response.Write(std::string(size, 'x'), {});
  };
}

std::string Answer(std::string_view text) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", text.size(), text);
}
std::string Post(std::string_view path, std::string_view body) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}", path,
                     body.size(), body);
}
// The head of a request whose client waits for 100 Continue.
std::string Expecting(size_t length) {
  return fmt::format(
      "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n", length);
}
std::string Get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path);
}

TEST(Connection, CostsLittleWhileItIsIdle) {
  EXPECT_LE(sizeof(Connection), 512U);
  ConnectionHarness harness(Echo);
  harness.Talk(Get("/"));
  EXPECT_FALSE(harness.connection().has_exchange());
}

TEST(Connection, AnswersRequestAfterRequest) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Get("/a")), Answer("/a:"));
  EXPECT_EQ(harness.Talk(Post("/b", "body")), Answer("/b:body"));
  EXPECT_EQ(harness.connection().phase(), Phase::kIdle);
}

TEST(Connection, AnswersPipelinedRequestsInOrder) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Get("/a") + Post("/b", "12") + Get("/c")),
            Answer("/a:") + Answer("/b:12") + Answer("/c:"));
}

TEST(Connection, TakesARequestByteByByte) {
  ConnectionHarness harness(Echo);
  std::string answer;
  for (const char byte : Post("/x", "hello")) answer += harness.Talk({&byte, 1});
  EXPECT_EQ(answer, Answer("/x:hello"));
}

TEST(Connection, ReadsAPipelinedBodyThatIsStillInTheSocket) {
  ConnectionHarness harness(Echo);
  const std::string body(30'000, 'b');
  EXPECT_EQ(harness.Talk(Get("/a") + Post("/b", body)), Answer("/a:") + Answer("/b:" + body));
}

TEST(Connection, ReadsWhatCameWhileTheRequestRan) {
  ConnectionHarness* harness = nullptr;
  ConnectionHarness first([&](Request& request, Response& response) {
    if (request.vars.Get(CgiName::kPathInfo) == "/a") {
      harness->Send(Get("/b"));
      harness->HandleEvent();  // the loop is told, and leaves it to the core
    }
    Echo(request, response);
  });
  harness = &first;
  EXPECT_EQ(first.Talk(Get("/a")), Answer("/a:") + Answer("/b:"));
}

TEST(Connection, GivesAHalfClosedClientItsAnswer) {
  ConnectionHarness harness(Echo);
  harness.Send(Get("/a"));
  harness.HalfClose();
  harness.Pump();
  EXPECT_EQ(harness.Receive(), Answer("/a:"));
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, ARefusalReachesAHalfClosedClient) {
  ConnectionHarness harness(Echo);
  harness.Send("GET  / HTTP/1.1\r\n\r\n" + std::string(40'000, 'j'));
  harness.HalfClose();
  harness.Pump();
  EXPECT_TRUE(harness.Receive().starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(harness.saw_end);
  EXPECT_FALSE(harness.saw_reset);
}

// What the client did in time, a server that looks only after the deadline takes into account.
TEST(Connection, ALateLookFindsTheNextRequest) {
  RequestSpec spec;
  spec.keepalive_timeout_ms = 5000;
  ConnectionHarness harness(Echo, spec);
  EXPECT_EQ(harness.Talk(Get("/a")), Answer("/a:"));
  harness.Send(Get("/b"));
  harness.Wait(6000);
  EXPECT_EQ(harness.Receive(), Answer("/b:"));
  EXPECT_FALSE(harness.is_over());
  harness.Send("GET /c");
  harness.Wait(6000);
  EXPECT_FALSE(harness.is_over());
  harness.Send(" HTTP/1.1\r\nHost: a\r\n\r\n");
  harness.Wait(harness.spec.head_timeout_ms);
  EXPECT_EQ(harness.Receive(), Answer("/c:"));
}

TEST(Connection, ALateLookOfADrainFindsTheLastRequest) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Get("/a")), Answer("/a:"));
  harness.draining = true;
  harness.Send(Get("/b"));
  harness.Wait(1000);
  EXPECT_NE(harness.Receive().find("/b:"), std::string::npos);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, ALateLookFindsThatTheClientHasRead) {
  ConnectionHarness harness(Sends(3'000'000));
  std::string answer = harness.Talk(Get("/a"));
  harness.Wait(harness.spec.write_timeout_ms);
  EXPECT_FALSE(harness.is_over());
  answer += harness.ReceiveAll();
  EXPECT_EQ(answer, Answer(std::string(3'000'000, 'x')));
}

TEST(Connection, AFilesReaderThatStopsIsGivenUpWhateverItSends) {
  ConnectionHarness harness([](Request&, Response& response) {
    UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(file.get(), 3'000'000), 0);
    ASSERT_TRUE(response.Start("200 OK"));
    response.SendFile(std::move(file), 0, std::nullopt);
  });
  harness.Send(Get("/a"));
  harness.Pump();
  harness.Wait(harness.spec.write_timeout_ms - 1);
  harness.Send(Get("/b"));
  harness.Pump();
  EXPECT_FALSE(harness.is_over());
  harness.Wait(1);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, NothingBehindARefusedRequestIsAnswered) {
  ConnectionHarness harness(Echo);
  const std::string answer = harness.Talk(Get("/a") + "BAD\r\n\r\n" + Get("/c"));
  EXPECT_TRUE(answer.starts_with(Answer("/a:") + "HTTP/1.1 400 ")) << answer;
  EXPECT_EQ(answer.find("/c:"), std::string::npos);
  EXPECT_EQ(harness.requests, 1);
}

TEST(Connection, LingersWithoutAnExchange) {
  ConnectionHarness harness(Echo);
  harness.Talk("BAD\r\n\r\n");
  EXPECT_EQ(harness.connection().phase(), Phase::kLingering);
  EXPECT_FALSE(harness.connection().has_exchange());
  harness.Wait(1000);
  EXPECT_FALSE(harness.is_over());
  harness.Wait(2000);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, ClosesWhenTheClientAsks) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n/a:");
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, KeepsAnHttp10ClientThatAsks) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n/a:");
  EXPECT_EQ(harness.Talk("GET /b HTTP/1.0\r\n\r\n"),
            "HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n/b:");
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, AnAnswerWithoutALengthEndsEvenWhenACopyOfTheSocketIsOpen) {
  UniqueFd copy;
  ConnectionHarness harness([&](Request& request, Response& response) {
    copy.Reset(::dup(request.connection_fd));
    ASSERT_TRUE(response.Start("200 OK"));
    response.Write("text", {});
  });
  harness.Talk("GET / HTTP/1.0\r\n\r\n");
  harness.Receive();
  EXPECT_TRUE(harness.saw_end);
}

TEST(Connection, LeavesThePollerEvenWhenACopyOfTheSocketIsOpen) {
  UniqueFd copy;
  ConnectionHarness harness([&](Request& request, Response& response) {
    copy.Reset(::dup(request.connection_fd));
    Unread(request, response);
  });
  harness.Talk(Get("/a"));
  harness.Talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(harness.is_over());
  harness.Send("more");
  EXPECT_FALSE(harness.HandleEvent());
}

// --- bodies ---

TEST(Connection, DrainsABodyThatNobodyRead) {
  RequestSpec spec;
  spec.body_in_memory = 10;
  ConnectionHarness harness(Unread, spec);
  const std::string body = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(50'000, 'u');
  EXPECT_EQ(harness.Talk(Post("/a", body) + Get("/b")), Answer("ok") + Answer("ok"));
  EXPECT_EQ(harness.requests, 2);
}

TEST(Connection, ClosesWhenTooMuchOfABodyIsLeft) {
  RequestSpec spec;
  spec.body_in_memory = 10;
  ConnectionHarness harness(Unread, spec);
  harness.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  const std::string piece(65536, 'u');
  for (int i = 0; i < 40 && !harness.is_over(); ++i) harness.Talk(piece);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, DecodesChunksAndCarriesOn) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" +
                         Get("/d")),
            Answer("/c:abcde") + Answer("/d:"));
}

TEST(Connection, RefusesBrokenChunks) {
  ConnectionHarness harness(Echo);
  EXPECT_TRUE(harness
                  .Talk("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabcX\r\n")
                  .starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(harness.requests, 0);
}

TEST(Connection, StreamsChunksBeyondTheMemoryLimit) {
  RequestSpec spec;
  spec.body_in_memory = 10;
  ConnectionHarness harness(Echo, spec);
  std::string chunked;
  for (int i = 0; i < 2000; ++i) chunked += "a\r\n0123456789\r\n";
  const std::string answer =
      harness.Talk("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked +
                   "0\r\n\r\n" + Get("/d"));
  std::string body;
  for (int i = 0; i < 2000; ++i) body += "0123456789";
  EXPECT_EQ(answer, Answer("/c:" + body) + Answer("/d:"));
}

TEST(Connection, ABodyThatBreaksOffIsAnErrorForTheApplication) {
  ConnectionHarness harness(Echo);
  harness.Send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  harness.HalfClose();
  harness.Pump();
  EXPECT_TRUE(harness.Receive().ends_with("/p:12345!"));
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, WithPostBufferingABodyThatBreaksOffIsNoRequest) {
  RequestSpec spec;
  spec.post_buffering = true;
  spec.body_in_memory = 4;
  ConnectionHarness harness(Echo, spec);
  harness.Send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
  harness.HalfClose();
  harness.Pump();
  EXPECT_EQ(harness.requests, 0);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, WithPostBufferingALargeBodyLiesInAFile) {
  RequestSpec spec;
  spec.post_buffering = true;
  spec.body_in_memory = 1000;
  BodySource::Kind kind = BodySource::Kind::kMemory;
  ConnectionHarness harness(
      [&](Request& request, Response& response) {
        kind = request.body.kind();
        Echo(request, response);
      },
      spec);
  const std::string body(50'000, 'f');
  EXPECT_EQ(harness.Talk(Post("/f", body)), Answer("/f:" + body));
  EXPECT_EQ(kind, BodySource::Kind::kFile);
}

// A client that sends as fast as we read must not keep the loop from the others.
TEST(Connection, OneEventReadsALimitedPartOfABody) {
  RequestSpec spec;
  spec.post_buffering = true;
  ConnectionHarness harness([](Request& request, Response& response) { Unread(request, response); },
                            spec);
  const int wanted = 1 << 20;
  ::setsockopt(harness.client_fd(), SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
  harness.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
  std::string left(300'000, 'l');
  left.erase(0, harness.Send(left));
  const auto sent = 300'000 - left.size();
  ASSERT_GT(sent, 200'000U);
  ASSERT_TRUE(harness.HandleEvent());
  EXPECT_LT(harness.connection().exchange().body_size, sent);
  harness.Pump();
  EXPECT_TRUE(left.empty() || harness.connection().exchange().body_size == sent);
  harness.Send(left);
  harness.Pump();
  EXPECT_EQ(harness.Receive(), Answer("ok"));
}

TEST(Connection, SaysContinueWhenTheBodyIsWanted) {
  RequestSpec spec;
  spec.socket_timeout_ms = 1;
  ConnectionHarness harness(Echo, spec);
  const std::string answer = harness.Talk(Expecting(4));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
}

TEST(Connection, DoesNotSayContinueForABodyNobodyWants) {
  ConnectionHarness harness(Unread);
  EXPECT_EQ(harness.Talk(Expecting(4)),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
}

TEST(Connection, AClientThatExpectsNothingAnyMoreIsKept) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Expecting(4) + "body" + Get("/f")), Answer("/e:body") + Answer("/f:"));
}

TEST(Connection, GoesOnWithoutContinueWhenTheSocketIsFull) {
  ConnectionHarness* harness = nullptr;
  ConnectionHarness full([&](Request& request, Response& response) {
    const std::string answers(4096, 'x');
    while (::send(harness->connection().fd(), answers.data(), answers.size(), MSG_DONTWAIT) > 0) {
    }
    harness->Send("body");
    std::array<char, 4> body{};
    EXPECT_EQ(request.body.Read(body.data(), body.size()).value_or(0), 4U);
    EXPECT_EQ(std::string_view(body.data(), body.size()), "body");
    harness->Receive();
    Unread(request, response);
  });
  harness = &full;
  EXPECT_EQ(full.Talk(Expecting(4)), Answer("ok"));
}

TEST(Connection, ABodyOfNoBytesIsNotWaitedFor) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Expecting(0) + Get("/f")), Answer("/e:") + Answer("/f:"));
}

TEST(Connection, ReadsManySmallChunksAtOnce) {
  RequestSpec spec;
  spec.body_in_memory = 10;
  int reads = 0;
  ConnectionHarness harness(
      [&reads](Request& request, Response& response) {
        std::string text;
        char piece[1000];
        for (; !request.body.AtEnd(); ++reads) text.append(piece, *request.body.Read(piece, 1000));
        EXPECT_EQ(text, std::string(200, 'x'));
        Unread(request, response);
      },
      spec);
  std::string chunks;
  for (int i = 0; i < 200; ++i) chunks += "1\r\nx\r\n";
  EXPECT_EQ(harness.Talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                         chunks + "0\r\n\r\n"),
            Answer("ok"));
  EXPECT_LE(reads, 3);
}

TEST(Connection, ABrokenChunkBehindSmallOnesIsAnError) {
  RequestSpec spec;
  spec.body_in_memory = 1;
  ConnectionHarness harness(Echo, spec);
  const std::string answer = harness.Talk(
      "POST /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\nzz\r\n");
  EXPECT_TRUE(answer.ends_with("/e:abc!")) << answer;
}

// A client that was slow for a while and reads again gets what comes while it comes.
TEST(Connection, SendsWhatHadToWaitWithTheNextPiece) {
  ConnectionHarness* harness = nullptr;
  std::string got;
  ConnectionHarness streaming([&](Request&, Response& response) {
    ASSERT_TRUE(response.Start("200 OK"));
    response.Write(std::string(4'000'000, 'x'), {});
    for (int i = 0; i < 100; ++i) {
      got += harness->Receive();
      response.Write(".", {});
    }
    got += harness->Receive();
    EXPECT_TRUE(got.ends_with("1\r\n.\r\n"));
    EXPECT_EQ(std::count(got.begin(), got.end(), '.'), 101);  // and that of HTTP/1.1
  });
  harness = &streaming;
  streaming.Send(Get("/"));
  streaming.Pump();
  EXPECT_EQ(streaming.Receive(), "0\r\n\r\n");
}

TEST(Connection, RefusesABodyBeyondLimitPost) {
  RequestSpec spec;
  spec.body_limit = 10;
  ConnectionHarness known(Echo, spec);
  EXPECT_TRUE(known.Talk(Post("/", "12345678901")).starts_with("HTTP/1.1 413 "));
  ConnectionHarness chunked(Echo, spec);
  EXPECT_TRUE(chunked
                  .Talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "b\r\n12345678901\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(known.requests + chunked.requests, 0);
}

// --- slow clients and deadlines ---

TEST(Connection, ASlowReaderGetsEverythingAndTheNextAnswer) {
  ConnectionHarness harness(Sends(3'000'000));
  harness.Send(Get("/a"));
  harness.Pump();
  EXPECT_EQ(harness.connection().phase(), Phase::kFlushing);
  harness.Send(Get("/b"));
  harness.Pump();
  EXPECT_EQ(harness.ReceiveAll(),
            Answer(std::string(3'000'000, 'x')) + Answer(std::string(3'000'000, 'x')));
}

TEST(Connection, AReaderThatStopsIsGivenUp) {
  ConnectionHarness harness(Sends(3'000'000));
  harness.Send(Get("/a"));
  harness.Pump();
  harness.Wait(harness.spec.write_timeout_ms - 1);
  EXPECT_FALSE(harness.is_over());
  harness.Wait(1);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, ASilentClientIsClosedWithoutAWord) {
  ConnectionHarness harness(Echo);
  harness.Wait(harness.spec.head_timeout_ms);
  EXPECT_EQ(harness.Receive(), "");
  EXPECT_TRUE(harness.is_over());
}

// It would take a 408 for the answer to its next request.
TEST(Connection, AnEmptyLineIsNoRequestToBeTimedOut) {
  ConnectionHarness harness(Echo);
  EXPECT_EQ(harness.Talk(Get("/a") + "\r\n"), Answer("/a:"));
  harness.Wait(harness.spec.head_timeout_ms);
  EXPECT_EQ(harness.Receive(), "");
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, AnEmptyLineDoesNotHoldADrain) {
  ConnectionHarness harness(Echo);
  harness.Talk(Get("/a") + "\r\n");
  harness.draining = true;
  harness.Wait(1000);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, AHeadThatTakesTooLongIs408HoweverItTrickles) {
  ConnectionHarness harness(Echo);
  harness.Talk("GET / HTTP/1.1\r\n");
  harness.Wait(harness.spec.head_timeout_ms / 2);
  harness.Talk("Host: a\r\n");
  harness.Wait(harness.spec.head_timeout_ms / 2);
  EXPECT_TRUE(harness.Receive().starts_with("HTTP/1.1 408 "));
}

TEST(Connection, ABodyThatStopsIs408) {
  ConnectionHarness harness(Echo);
  harness.Talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123");
  harness.Wait(harness.spec.body_timeout_ms);
  EXPECT_TRUE(harness.Receive().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(harness.requests, 0);
}

TEST(Connection, AnIdleOneIsClosedAfterTheKeepAliveTime) {
  RequestSpec spec;
  spec.keepalive_timeout_ms = 5000;
  ConnectionHarness harness(Echo, spec);
  harness.Talk(Get("/"));
  harness.Wait(4999);
  EXPECT_FALSE(harness.is_over());
  harness.Wait(1);
  EXPECT_TRUE(harness.is_over());
}

// --- draining ---

TEST(Connection, SaysCloseWhileTheWorkerDrains) {
  ConnectionHarness harness(Echo);
  harness.Talk(Get("/a"));
  harness.draining = true;
  EXPECT_NE(harness.Talk(Get("/b")).find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(harness.is_over());
}

TEST(Connection, ThatWasFlushingWhenTheDrainBeganDoesNotHoldTheWorker) {
  ConnectionHarness harness(Sends(3'000'000));
  harness.Talk(Get("/a"));
  harness.draining = true;
  harness.ReceiveAll();
  ASSERT_EQ(harness.connection().phase(), Phase::kIdle);
  EXPECT_LE(harness.connection().deadline_ms(), harness.now_ms + 1000);
}

TEST(Connection, WhoStillReadsWhenTheDrainBeganMayAskOnceMore) {
  ConnectionHarness harness(Sends(30'000));
  harness.Send(Get("/a"));
  harness.Pump();
  ASSERT_EQ(harness.connection().phase(), Phase::kIdle);
  harness.draining = true;
  harness.Wait(1000);
  EXPECT_FALSE(harness.is_over());
  harness.ReceiveAll();
  harness.Wait(1000);
  EXPECT_FALSE(harness.is_over());
  EXPECT_NE(harness.Talk(Get("/b")).find("Connection: close\r\n"), std::string::npos);
}

TEST(Connection, WhoDoesNotReadDoesNotHoldADrain) {
  ConnectionHarness harness(Sends(30'000));
  harness.Send(Get("/a"));
  harness.Pump();
  harness.draining = true;
  harness.Wait(1000);
  EXPECT_FALSE(harness.is_over());
  harness.Wait(1000);
  EXPECT_TRUE(harness.is_over());
}

// --- ownership ---

TEST(Connection, AnEventDuringTheRequestComesBackToItsOwner) {
  ConnectionHarness harness(Echo);
  Connection& connection = harness.connection();
  ASSERT_TRUE(connection.TryOwn());
  EXPECT_FALSE(connection.TryOwn());
  EXPECT_FALSE(connection.TryOwnOrNotify());
  EXPECT_FALSE(connection.TryOwnOrNotify());
  EXPECT_FALSE(connection.Release());  // something happened: still ours
  EXPECT_FALSE(connection.TryOwn());
  EXPECT_TRUE(connection.Release());
  EXPECT_TRUE(connection.TryOwnOrNotify());
  EXPECT_TRUE(connection.Release());
}

}  // namespace
}  // namespace uwsgi
