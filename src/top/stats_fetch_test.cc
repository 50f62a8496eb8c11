// SPDX-License-Identifier: Apache-2.0
#include "top/stats_fetch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

namespace uwsgi::top {
namespace {

struct Listening {
  UniqueFd fd;
  StatsAddress address;
};

Listening Listen(std::string_view scheme) {
  Listening made{.fd = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  SocketAddress any = *ParseSocketAddress("127.0.0.1:0");
  EXPECT_EQ(::bind(made.fd.get(), any.get(), any.length), 0);
  EXPECT_EQ(::listen(made.fd.get(), 4), 0);
  const std::string bound = SocketAddress::Of(made.fd.get())->text();
  made.address = *ParseStatsAddress(std::string(scheme) + bound);
  return made;
}

int64_t In(int64_t seconds) { return MonotonicMicros() + seconds * 1'000'000; }

// Drives the fetch to its end.
Result<std::string> Finish(StatsFetch fetch) {
  while (true) {
    if (auto done = fetch.Advance(MonotonicMicros())) return *done;
    pollfd waiting{fetch.fd(), fetch.events(), 0};
    ::poll(&waiting, 1, 50);
  }
}

void Answer(const UniqueFd& client, std::string_view bytes) {
  EXPECT_EQ(::write(client.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

UniqueFd Accept(const Listening& listening) {
  return UniqueFd(::accept(listening.fd.get(), nullptr, nullptr));
}

TEST(StatsAddress, KnowsTheFormsOfTheMonitor) {
  EXPECT_EQ(ParseStatsAddress(":9091")->socket.text(), "127.0.0.1:9091");
  EXPECT_EQ(ParseStatsAddress("127.0.0.1:9091")->socket.port(), 9091);
  EXPECT_EQ(ParseStatsAddress("/run/stats.sock")->socket.text(), "/run/stats.sock");
  EXPECT_TRUE(ParseStatsAddress("@stats")->socket.is_abstract());
  const auto http = ParseStatsAddress("http://127.0.0.1/a/b?c");
  ASSERT_TRUE(http);
  EXPECT_EQ(http->socket.port(), 80);
  EXPECT_EQ(http->path, "/a/b?c");
  EXPECT_EQ(ParseStatsAddress("http://[::1]:9091")->socket.port(), 9091);
}

TEST(StatsAddress, RefusesWhatIsNone) {
  for (const char* bad :
       {"", "ftp://127.0.0.1:1", "127.0.0.1:99999", "http://", "http://127.0.0.1/a b"}) {
    EXPECT_FALSE(ParseStatsAddress(bad)) << bad;
  }
}

TEST(StatsFetch, ReadsUntilTheServerCloses) {
  Listening listening = Listen("");
  auto fetch = StatsFetch::Start(listening.address, In(10));
  ASSERT_TRUE(fetch);
  {
    const UniqueFd client = Accept(listening);
    EXPECT_FALSE(fetch->Advance(MonotonicMicros()));
    Answer(client, R"({"version":)");
    EXPECT_FALSE(fetch->Advance(MonotonicMicros()));
    Answer(client, R"("2"})");
  }
  EXPECT_EQ(*Finish(std::move(*fetch)), R"({"version":"2"})");
}

TEST(StatsFetch, AsksOverHttpAndTakesTheBody) {
  Listening listening = Listen("http://");
  auto fetch = StatsFetch::Start(listening.address, In(10));
  ASSERT_TRUE(fetch);
  std::string request(4096, '\0');
  {
    const UniqueFd client = Accept(listening);
    EXPECT_FALSE(fetch->Advance(MonotonicMicros()));
    request.resize(static_cast<size_t>(::read(client.get(), request.data(), request.size())));
    Answer(client, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n{}");
  }
  EXPECT_EQ(request.find("GET / HTTP/1.0\r\n"), 0U);
  EXPECT_EQ(*Finish(std::move(*fetch)), "{}");
}

TEST(StatsFetch, GivesUpAtTheDeadlineOnAServerThatIsSilent) {
  const Listening listening = Listen("");
  auto fetch = StatsFetch::Start(listening.address, In(3600));
  ASSERT_TRUE(fetch);
  const UniqueFd client = Accept(listening);
  EXPECT_FALSE(fetch->Advance(MonotonicMicros()));
  const auto done = fetch->Advance(fetch->deadline());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->error().message, "no whole answer in time");
}

TEST(StatsFetch, SaysThatNobodyListens) {
  StatsAddress address;
  {
    const Listening listening = Listen("");
    address = listening.address;
  }
  auto fetch = StatsFetch::Start(address, In(10));
  const auto text = fetch ? Finish(std::move(*fetch)).error().text() : fetch.error().text();
  EXPECT_EQ(text, "connect: Connection refused");
}

TEST(DocumentOf, TellsHttpFromPlainAnswers) {
  EXPECT_EQ(*DocumentOf("{}"), "{}");
  EXPECT_FALSE(DocumentOf(""));
  EXPECT_EQ(DocumentOf("HTTP/1.1 404 Not Found\r\n\r\n").error().message,
            "answered HTTP/1.1 404 Not Found");
  EXPECT_FALSE(DocumentOf("HTTP/1.1 200 OK\r\n"));
}

TEST(DocumentOf, ShowsNoStatusLineThatATerminalWouldObey) {
  EXPECT_EQ(DocumentOf("HTTP/1.1 404 \x1b[2J\r\n\r\n").error().message,
            "answered HTTP/1.1 404 \\x1b[2J");
  EXPECT_LT(DocumentOf("HTTP/1.1 404 " + std::string(5000, 'x')).error().message.size(), 300U);
}

}  // namespace
}  // namespace uwsgi::top
