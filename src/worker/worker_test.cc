// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "testing/worker_harness.h"

namespace {
std::atomic<int> accepts_at_end{0};
}

extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto next = reinterpret_cast<decltype(&accept4)>(::dlsym(RTLD_NEXT, "accept4"));
  const int accepted = next(fd, address, size, flags);
  if (accepted < 0 && errno == EINVAL) ++accepts_at_end;
  return accepted;
}

namespace uwsgi {
namespace {

TEST_F(WorkerTest, AnswersManyRequestsOnOneConnection) {
  Serve(1);
  Client client = Connect();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.Ask(fmt::format("/{}", i)), fmt::format("/{}", i));
}

TEST_F(WorkerTest, AnswersManyConnectionsAtOnce) {
  Serve(2);
  std::vector<Client> clients;
  clients.reserve(50);
  for (int i = 0; i < 50; ++i) clients.push_back(Connect());
  for (int i = 0; i < 50; ++i) clients[static_cast<size_t>(i)].Get(fmt::format("/{}", i));
  for (int i = 0; i < 50; ++i) {
    ASSERT_NE(clients[static_cast<size_t>(i)].Read(), "");
    EXPECT_EQ(clients[static_cast<size_t>(i)].body, fmt::format("/{}", i));
  }
}

TEST_F(WorkerTest, PipelinedAnswersKeepTheirOrderBehindASlowOne) {
  Gate gate;
  AddGate("/slow", gate);
  Serve(4);
  Client client = Connect();
  client.Get("/a");
  client.Get("/slow");
  for (int i = 0; i < 40; ++i) client.Get(fmt::format("/{}", i));
  gate.AwaitArrivals(1);
  gate.Open();
  ASSERT_NE(client.Read(), "");
  EXPECT_EQ(client.body, "/a");
  client.Read();
  EXPECT_EQ(client.body, "late");
  for (int i = 0; i < 40; ++i) {
    ASSERT_NE(client.Read(), "");
    EXPECT_EQ(client.body, fmt::format("/{}", i));
  }
}

TEST_F(WorkerTest, FastRequestsPassSlowOnesWhileASingleCoreIsFree) {
  Gate gate;
  AddGate("/slow", gate);
  Serve(4);
  std::vector<Client> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(Connect());
    slow.back().Get("/slow");
    gate.AwaitArrivals(i + 1);
  }
  Client fast = Connect();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(fast.Ask("/fast"), "/fast");
  gate.Open();
  for (Client& client : slow) {
    ASSERT_NE(client.Read(), "");
    EXPECT_EQ(client.body, "late");
  }
}

TEST_F(WorkerTest, TheLoopGoesOnWhileTheOnlyCoreIsBusy) {
  Gate gate;
  AddGate("/slow", gate);
  Serve(1);
  Client early = Connect();  // known to the loop before
  EXPECT_EQ(early.Ask("/"), "/");
  Client slow = Connect();
  slow.Get("/slow");
  gate.AwaitArrivals(1);
  early.Send("BAD\r\n\r\n");  // needs no core
  EXPECT_TRUE(early.Read().starts_with("HTTP/1.1 400 "));
  Client late = Connect();  // accepted meanwhile
  late.Send("BAD\r\n\r\n");
  EXPECT_TRUE(late.Read().starts_with("HTTP/1.1 400 "));
  Client waiting = Connect();
  waiting.Get("/waiting");
  gate.Open();
  EXPECT_NE(waiting.Read(), "");
  EXPECT_EQ(waiting.body, "/waiting");
  EXPECT_NE(slow.Read(), "");
  EXPECT_EQ(slow.body, "late");
  EXPECT_EQ(slow.Ask("/after"), "/after");
}

// The first request of a batch is slow: the others of the same batch must not be forgotten.
TEST_F(WorkerTest, ABatchSurvivesTheMoveOfTheLead) {
  Gate first;
  Gate slow;
  AddGate("/first", first);
  AddGate("/slow", slow);
  Serve(2);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(Connect());
    EXPECT_EQ(clients.back().Ask("/"), "/");
  }
  Client other = Connect();
  other.Get("/first");  // one core is away, so that the batch meets a single one
  first.AwaitArrivals(1);
  clients[0].Get("/slow");
  for (size_t i = 1; i < clients.size(); ++i) clients[i].Get("/fast");
  slow.AwaitArrivals(1);
  first.Open();
  for (size_t i = 1; i < clients.size(); ++i) {
    ASSERT_NE(clients[i].Read(), "");
    EXPECT_EQ(clients[i].body, "/fast");
  }
  slow.Open();
  EXPECT_NE(clients[0].Read(), "");
}

TEST_F(WorkerTest, SurvivesManyMovesOfTheLead) {
  runtime.programs["/long"] = [](Request&, Response& response) {
    const int64_t until = MonotonicMicros() + 2500;  // longer than two looks of the watcher
    while (MonotonicMicros() < until) {
    }
    Say(response, "long");
    return true;
  };
  Serve(3);
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> answered{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i, &answered] {
      Client client = Connect();
      for (int round = 0; round < 60; ++round) {
        const bool is_long = (round + i) % 5 == 0;
        if (client.Ask(is_long ? "/long" : "/short") == (is_long ? "long" : "/short")) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 240);
  Stop(SIGTERM);  // a request is counted after its answer
  EXPECT_EQ(scoreboard->worker(1).requests(), 240U);
}

// The greedy client always has the next requests on their way before one is answered, and takes
// its answers at once.
TEST_F(WorkerTest, AClientThatNeverStopsAskingDoesNotKeepTheOthersWaiting) {
  constexpr std::string_view kRequest = "GET /g HTTP/1.1\r\nHost: a\r\n\r\n";
  constexpr size_t kAhead = 50'000;
  std::string many;
  for (int i = 0; i < 100; ++i) many += kRequest;
  std::optional<Client> greedy;
  std::atomic<bool> over{false};
  size_t sent = 0;
  size_t handled = 0;
  runtime.programs["/g"] = [&](Request&, Response& response) {
    greedy->Discard();
    handled += kRequest.size();
    if (!over && sent < handled + kAhead)
      sent += greedy->Offer(ByteView(many).substr(sent % many.size()));
    Say(response, "g");
    return true;
  };
  Serve(1);
  greedy.emplace(Connect());
  Client modest = Connect();
  EXPECT_EQ(modest.Ask("/m"), "/m");
  std::string first;
  while (first.size() < kAhead) first += many;
  sent = first.size();
  ASSERT_TRUE(greedy->Send(first));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(modest.Ask("/m"), "/m");
  over = true;
  Stop(SIGTERM);
}

TEST_F(WorkerTest, ASlowReaderHoldsNoCore) {
  const std::string large(8'000'000, 'x');
  runtime.programs["/large"] = [&](Request&, Response& response) {
    Say(response, large);
    return true;
  };
  Serve(1);
  Client slow = Connect();
  slow.Get("/large");
  Client fast = Connect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(fast.Ask("/fast"), "/fast");
  ASSERT_NE(slow.Read(), "");
  EXPECT_EQ(slow.body, large);
  EXPECT_EQ(slow.Ask("/next"), "/next");
}

TEST_F(WorkerTest, StreamsAnUploadWhileOthersAreServed) {
  runtime.programs["/upload"] = [](Request& request, Response& response) {
    char piece[10'000];
    uint64_t total = 0;
    while (!request.body.AtEnd()) {
      const auto got = request.body.Read(piece, sizeof piece);
      if (!got) return false;
      total += *got;
    }
    Say(response, fmt::format("{}", total));
    return true;
  };
  request_spec.socket_timeout_ms = 60'000;
  Serve(2);
  Client uploader = Connect();
  const std::string half(2'000'000, 'u');
  uploader.Send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
  ASSERT_TRUE(uploader.Send(half));
  Client fast = Connect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(fast.Ask("/fast"), "/fast");
  ASSERT_TRUE(uploader.Send(half));
  ASSERT_NE(uploader.Read(), "");
  EXPECT_EQ(uploader.body, "4000000");
  EXPECT_EQ(uploader.Ask("/next"), "/next");
}

TEST_F(WorkerTest, AClientThatLeavesEarlyHarmsNobody) {
  Gate gate;
  AddGate("/slow", gate);
  Serve(2);
  Client leaves = Connect();
  leaves.Get("/slow");
  gate.AwaitArrivals(1);
  leaves.Close();
  Client stays = Connect();
  EXPECT_EQ(stays.Ask("/a"), "/a");
  gate.Open();
  EXPECT_EQ(stays.Ask("/b"), "/b");
}

// As after a fork by the application: the socket stays open after the worker has closed it.
TEST_F(WorkerTest, ACopyOfASocketOutlivesItsConnection) {
  UniqueFd copy;
  runtime.programs["/copy"] = [&](Request& request, Response& response) {
    copy.Reset(::fcntl(request.connection_fd, F_DUPFD_CLOEXEC, 0));
    Say(response, "copied");
    return true;
  };
  Serve(1);
  Client client = Connect();
  EXPECT_EQ(client.Ask("/"), "/");  // registered from here on
  client.Send("GET /copy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.Read(), "");
  Client other = Connect();
  EXPECT_EQ(other.Ask("/a"), "/a");
  client.Send("more");
  client.Close();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(other.Ask("/b"), "/b");
}

TEST_F(WorkerTest, CountsWhatTheApplicationRaises) {
  runtime.programs["/raise"] = [](Request&, Response& response) {
    response.Fail(500);
    return false;
  };
  Serve(1);
  Client client = Connect();
  client.Get("/raise");
  EXPECT_TRUE(client.Read().starts_with("HTTP/1.1 500 "));
  Stop(SIGTERM);
  EXPECT_EQ(scoreboard->core(1, 0).exceptions, 1U);
}

TEST_F(WorkerTest, AConnectionServedByACoreThatDoesNotLeadKeepsItsDeadlines) {
  Gate gate;
  AddGate("/slow", gate);
  request_spec.head_timeout_ms = 600'000;
  request_spec.keepalive_timeout_ms = 1;
  Serve(2);
  Client slow = Connect();
  Client fast = Connect();
  KeepACoreBusy(slow, gate, fast);
  gate.Open();
  EXPECT_NE(slow.Read(), "");
  EXPECT_TRUE(slow.IsAtEnd());
}

std::atomic<int> refused_accepts{0};

// No descriptors but those that are open, and so many.
class FewDescriptors {
 public:
  explicit FewDescriptors(int more) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &usual_), 0);
    const int next = ::dup(STDERR_FILENO);
    ::close(next);
    rlimit few = usual_;
    few.rlim_cur = static_cast<rlim_t>(next + more);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &usual_); }

 private:
  rlimit usual_{};
};

TEST_F(WorkerTest, ServesTheWaitingWhenThereAreDescriptorsAgain) {
  refused_accepts = 0;
  const LogSink before = SetLogSink([](std::string_view line) {
    if (line.find("cannot accept a connection") != std::string_view::npos) ++refused_accepts;
  });
  Serve(1);
  Client known = Connect();
  EXPECT_EQ(known.Ask("/a"), "/a");
  known.Send("GET /c HTTP/1.1\r\n");
  std::optional<FewDescriptors> few(std::in_place, 1);
  Client waiting = Connect();  // takes the last descriptor
  waiting.Get("/b");
  while (refused_accepts == 0) std::this_thread::yield();
  known.Send("Host: a\r\n\r\n");
  EXPECT_NE(known.Read(), "");
  EXPECT_EQ(known.body, "/c");
  few.reset();
  EXPECT_NE(waiting.Read(), "");
  EXPECT_EQ(waiting.body, "/b");
  Stop(SIGTERM);
  SetLogSink(before);
}

TEST_F(WorkerTest, ClosesTheOldestIdleConnectionForANewOne) {
  Serve(1);
  Client oldest = Connect();
  Client young = Connect();
  EXPECT_EQ(oldest.Ask("/a"), "/a");
  EXPECT_EQ(young.Ask("/b"), "/b");
  const FewDescriptors few(1);
  Client newcomer = Connect();
  EXPECT_EQ(newcomer.Ask("/c"), "/c");
  EXPECT_EQ(young.Ask("/d"), "/d");
  EXPECT_EQ(oldest.Read(), "") << "the end of the connection";
  Stop(SIGTERM);
}

TEST_F(WorkerTest, LeavesAListenerThatRefusesClients) {
  accepts_at_end = 0;
  Serve(1);
  Client known = Connect();
  EXPECT_EQ(known.Ask("/a"), "/a");
  RefuseClients();
  while (accepts_at_end == 0) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(known.Ask("/b"), "/b");
  EXPECT_EQ(accepts_at_end, 1);
}

// --- the end ---

TEST_F(WorkerTest, EndsWithIdleCores) {
  Serve(8);
  Client client = Connect();
  EXPECT_EQ(client.Ask("/"), "/");
  client.Close();
  Stop(SIGHUP);
  EXPECT_EQ(status, kExitGraceful);
}

TEST_F(WorkerTest, FinishesRunningAndWaitingRequestsBeforeItEnds) {
  Gate gate;
  AddGate("/slow", gate);
  Serve(1);
  Client idle = Connect();
  EXPECT_EQ(idle.Ask("/"), "/");
  Client slow = Connect();
  slow.Get("/slow");
  gate.AwaitArrivals(1);
  Client waiting = Connect();
  waiting.Get("/waiting");
  Client known = Connect();  // refused by the loop, so all before it have been read
  known.Send("BAD\r\n\r\n");
  EXPECT_NE(known.Read(), "");
  ::kill(::getpid(), SIGHUP);
  AwaitState(WorkerState::kDraining);
  gate.Open();
  EXPECT_NE(slow.Read().find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(slow.body, "late");
  EXPECT_NE(waiting.Read().find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(waiting.body, "/waiting");
  EXPECT_TRUE(idle.IsAtEnd());
  Join();
  EXPECT_EQ(status, kExitGraceful);
}

TEST_F(WorkerTest, EndsAfterMaxRequests) {
  spec.max_requests = 3;
  spec.min_worker_lifetime_s = 0;
  Serve(2);
  Client client = Connect();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Ask("/"), "/");
  Join();
  EXPECT_EQ(status, kExitGraceful);
  EXPECT_TRUE(client.IsAtEnd());
}

// The request that is one too many ends on a core that does not lead, while the leader waits.
TEST_F(WorkerTest, EndsAfterMaxRequestsWhoeverServedTheLast) {
  Gate gate;
  AddGate("/slow", gate);
  spec.max_requests = 2;
  spec.min_worker_lifetime_s = 0;
  request_spec.keepalive_timeout_ms = 600'000;
  request_spec.head_timeout_ms = 600'000;
  Serve(2);
  Client slow = Connect();
  Client fast = Connect();
  KeepACoreBusy(slow, gate, fast);
  gate.Open();
  EXPECT_NE(slow.Read(), "");
  EXPECT_TRUE(fast.IsAtEnd());
  Join();
  EXPECT_EQ(status, kExitGraceful);
}

}  // namespace
}  // namespace uwsgi
