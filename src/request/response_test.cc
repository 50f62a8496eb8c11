// SPDX-License-Identifier: Apache-2.0
#include "request/response.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "testing/connection_harness.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

using App = std::function<void(Response&)>;

constexpr std::string_view kGet11 = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\n\r\n";
constexpr std::string_view kHead11 = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

struct Outcome {
  std::string bytes;
  bool closed = false;
};

Outcome Ask(std::string_view request, const App& app, RequestSpec spec = {}) {
  ConnectionHarness harness([&](Request&, Response& response) { app(response); }, std::move(spec));
  harness.Send(request);
  Outcome outcome{harness.ReceiveAll(), false};
  outcome.closed = harness.is_over();
  return outcome;
}

void Begin(Response& response, ByteView status = "200 OK") { ASSERT_TRUE(response.Start(status)); }

TEST(Response, WithALengthIsFramedByIt) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("Content-Length", "4"));
    response.Write("te", {});
    response.Write("xt", {});
  });
  EXPECT_EQ(outcome.bytes, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext");
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, OfUnknownLengthIsChunkedForHttp11) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    response.Write("one", {});
    response.Write("", {});
    response.Write("two", {});
  });
  EXPECT_EQ(
      outcome.bytes,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, OfUnknownLengthEndsWithAnHttp10Connection) {
  const Outcome outcome = Ask(kGet10, [](Response& response) {
    Begin(response);
    response.Write("one", {});
  });
  EXPECT_EQ(outcome.bytes, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\none");
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, WithoutABodyHasLengthZero) {
  const Outcome outcome = Ask(kGet11, [](Response& response) { Begin(response, "404"); });
  EXPECT_EQ(outcome.bytes, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, ToHeadHasTheHeadersAndNoBody) {
  const Outcome outcome = Ask(kHead11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("Content-Length", "4"));
    response.Write("text", {});
  });
  EXPECT_EQ(outcome.bytes, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, ToHeadOfUnknownLengthIsNotChunked) {
  const Outcome outcome = Ask(kHead11, [](Response& response) {
    Begin(response);
    response.Write("text", {});
  });
  EXPECT_EQ(outcome.bytes, "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, OfAStatusWithoutBodyDropsTheBody) {
  for (const ByteView status : {"204 No Content", "304 Not Modified"}) {
    const Outcome outcome = Ask(kGet11, [status](Response& response) {
      Begin(response, status);
      response.Write("text", {});
    });
    EXPECT_EQ(outcome.bytes, fmt::format("HTTP/1.1 {}\r\n\r\n", status));
    EXPECT_FALSE(outcome.closed);
  }
}

TEST(Response, Of204HasNoContentLength) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response, "204");
    ASSERT_TRUE(response.AddHeader("Content-Length", "0"));
  });
  EXPECT_EQ(outcome.bytes.find("Content-Length"), std::string::npos);
}

TEST(Response, WithAnInterimStatusIsTheLastOfItsConnection) {
  const Outcome outcome = Ask(kGet11, [](Response& response) { Begin(response, "103"); });
  EXPECT_TRUE(outcome.bytes.ends_with("Connection: close\r\n\r\n"));
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, IsCutAtItsContentLength) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("Content-Length", "3"));
    response.Write("one two", {});
    response.Write("three", {});
    EXPECT_EQ(response.body_bytes(), 3U);
  });
  EXPECT_TRUE(outcome.bytes.ends_with("\r\n\r\none"));
  EXPECT_FALSE(outcome.closed);
}

TEST(Response, ShorterThanItsContentLengthClosesTheConnection) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("Content-Length", "10"));
    response.Write("short", {});
  });
  EXPECT_TRUE(outcome.bytes.ends_with("short"));
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, FramingIsNotTheApplicationsAffair) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("Transfer-Encoding", "gzip"));
    ASSERT_TRUE(response.AddHeader("Connection", "keep-alive"));
    ASSERT_TRUE(response.AddHeader("Keep-Alive", "timeout=5"));
    ASSERT_TRUE(response.AddHeader("X-Own", "1"));
    response.SetBodyLength(2);
    response.Write("ok", {});
  });
  EXPECT_EQ(outcome.bytes, "HTTP/1.1 200 OK\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok");
}

TEST(Response, ClosesWhenTheApplicationSaysSo) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("connection", " Close "));
  });
  EXPECT_NE(outcome.bytes.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, RefusesHeadersThatCouldSplitIt) {
  Ask(kGet11, [](Response& response) {
    EXPECT_FALSE(response.AddHeader("X", "before the status"));
    EXPECT_FALSE(response.Start("20"));
    EXPECT_FALSE(response.Start("200 OK\r\nX: y"));
    Begin(response);
    EXPECT_FALSE(response.AddHeader("X", "a\r\nSet-Cookie: b"));
    EXPECT_FALSE(response.AddHeader("X", std::string("a\0b", 3)));
    EXPECT_FALSE(response.AddHeader("X Y", "a"));
    EXPECT_FALSE(response.AddHeader("", "a"));
    EXPECT_FALSE(response.AddHeader("Content-Length", "-1"));
    EXPECT_FALSE(response.AddHeader("Content-Length", "1x"));
    ASSERT_TRUE(response.AddHeader("Content-Length", "2"));
    EXPECT_TRUE(response.AddHeader("Content-Length", "2"));
    EXPECT_FALSE(response.AddHeader("Content-Length", "3"));
    response.Write("ok", {});
    EXPECT_FALSE(response.Start("200 OK"));
    EXPECT_FALSE(response.AddHeader("X", "too late"));
  });
}

TEST(Response, LimitsItsHead) {
  RequestSpec spec;
  spec.response_headers_limit = 100;
  Ask(
      kGet11,
      [](Response& response) {
        Begin(response);
        EXPECT_TRUE(response.AddHeader("X", std::string(50, 'x')));
        EXPECT_FALSE(response.AddHeader("X", std::string(50, 'x')));
      },
      spec);
}

TEST(Response, CarriesTheHeadersOfTheOptions) {
  RequestSpec spec;
  spec.add_headers = {"X-Server: s"};
  EXPECT_EQ(Ask(
                kGet11, [](Response& response) { Begin(response); }, spec)
                .bytes,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Server: s\r\n\r\n");
}

TEST(Response, OfAFailureReplacesAHeadThatHasNotLeft) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    ASSERT_TRUE(response.AddHeader("X-Own", "1"));
    EXPECT_TRUE(response.Fail(500));
  });
  EXPECT_TRUE(outcome.bytes.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_EQ(outcome.bytes.find("X-Own"), std::string::npos);
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, ThatFailsHalfWayDoesNotLookComplete) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    response.Write("half", {});
    EXPECT_FALSE(response.Fail(500));
    response.Write("not sent", {});
  });
  EXPECT_TRUE(outcome.bytes.ends_with("4\r\nhalf\r\n")) << outcome.bytes;
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, OfAnApplicationThatSaysNothingIs500) {
  EXPECT_TRUE(Ask(kGet11, [](Response&) {}).bytes.starts_with("HTTP/1.1 500 "));
}

TEST(Response, AbandonedSaysNothing) {
  const Outcome outcome = Ask(kGet11, [](Response& response) {
    Begin(response);
    response.Abandon();
  });
  EXPECT_EQ(outcome.bytes, "");
  EXPECT_TRUE(outcome.closed);
}

TEST(Response, SmallPiecesThatMayWaitLeaveTogether) {
  const Outcome outcome = Ask(kGet10, [](Response& response) {
    Begin(response);
    for (int i = 0; i < 1000; ++i) response.Write("piece ", {}, Flush::kLater);
  });
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "piece ";
  EXPECT_TRUE(outcome.bytes.ends_with("\r\n\r\n" + body));
}

TEST(Response, AChunkTheKernelDoesNotTakeIsReferencedUntilItLeaves) {
  static int references = 0;
  references = 0;
  const std::string large(2'000'000, 'x');
  ConnectionHarness harness([&](Request&, Response& response) {
    Begin(response);
    const ChunkOwner owner{&references, [](void*) { ++references; }, [](void*) { --references; }};
    response.Write(large, owner);
    EXPECT_TRUE(response.needs_room());
  });
  harness.Send(kGet11);
  harness.Pump();
  EXPECT_EQ(references, 1);
  EXPECT_EQ(
      harness.ReceiveAll(),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1e8480\r\n" + large + "\r\n0\r\n\r\n");
  EXPECT_EQ(references, 0);
}

TEST(Response, NoticesThatTheClientHasLeft) {
  bool noticed = false;
  ConnectionHarness* client = nullptr;
  ConnectionHarness harness([&](Request&, Response& response) {
    client->HangUp();
    Begin(response);
    noticed = response.Write("text", {}) == SendOutcome::kClientGone;
    EXPECT_EQ(response.write_error(), EPIPE);
    EXPECT_EQ(response.WaitForRoom(), SendOutcome::kClientGone);
  });
  client = &harness;
  harness.Send(kGet11);
  harness.Pump();
  EXPECT_TRUE(noticed);
  EXPECT_TRUE(harness.is_over());
}

TEST(Response, GivesUpWaitingForAClientThatDoesNotRead) {
  RequestSpec spec;
  spec.socket_timeout_ms = 1;
  Ask(
      kGet11,
      [](Response& response) {
        Begin(response);
        response.Write(std::string(3'000'000, 'x'), {});
        EXPECT_EQ(response.WaitForRoom(), SendOutcome::kClientGone);
        EXPECT_EQ(response.write_error(), 0);
      },
      spec);
}

TEST(Response, SendsFilesWithAndWithoutSendfile) {
  const TempDir folder;
  const std::string bytes(500'000, 'f');
  ASSERT_TRUE(WriteFileAtomically(folder / "file", "__" + bytes));
  for (const bool sendfile : {true, false}) {
    RequestSpec spec;
    spec.sendfile = sendfile;
    ConnectionHarness harness(
        [&](Request&, Response& response) {
          Begin(response);
          UniqueFd file(::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
          response.SendFile(std::move(file), 2, sendfile ? std::nullopt : std::optional(1000));
        },
        spec);
    harness.Send(kGet11);
    const size_t size = sendfile ? bytes.size() : 1000;
    EXPECT_EQ(harness.ReceiveAll(), fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                                size, bytes.substr(0, size)));
    EXPECT_FALSE(harness.is_over());
  }
}

TEST(Response, DoesNotPassOffAFileAsWholeThatCannotBeRead) {
  const TempDir folder;
  ConnectionHarness harness([&](Request&, Response& response) {
    Begin(response);
    response.Write("begun", {});
    // It has a size, and nothing to read.
    response.SendFile(UniqueFd(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC)), 0, 10);
  });
  harness.Send(kGet11);
  const std::string answer = harness.ReceiveAll();
  EXPECT_TRUE(answer.ends_with("5\r\nbegun\r\n")) << answer;
  EXPECT_TRUE(harness.is_over());
}

}  // namespace
}  // namespace uwsgi
