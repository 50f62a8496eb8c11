// SPDX-License-Identifier: Apache-2.0
#include "service/signal_router.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "base/log.h"

namespace uwsgi {
namespace {

std::string logged;

struct SignalRouterTest : testing::Test {
  SignalRouterTest() {
    logged.clear();
    before = SetLogSink([](std::string_view line) { logged += line; });
    SharedSize size;
    SignalRouter::AddSize(size, spec);
    Scoreboard::AddSize(size, 3, 1);
    regions.push_back(SharedRegion::Create(size).value());
    scoreboard.emplace(Scoreboard::Create(regions.back(), 3, 1).value());
    router.emplace(SignalRouter::Create(regions.back(), spec, left).value());
    router->Watch(*scoreboard);
    for (int id = 1; id <= 3; ++id) scoreboard->worker(id).state = WorkerState::kAccepting;
  }
  ~SignalRouterTest() override { SetLogSink(before); }

  // The signals that wait in the queues of a process, in the order of the queues.
  std::vector<int> Waiting() {
    std::vector<int> signals;
    for (const int queue : router->OwnQueues()) {
      while (const auto signal = SignalRouter::Take(queue)) signals.push_back(*signal);
    }
    return signals;
  }
  std::vector<int> WaitingForWorker(int id) {
    router->BecomeWorker(id);
    return Waiting();
  }
  void RegisterInWorkers(const std::vector<int>& ids, uint8_t signal) {
    for (const int id : ids) {
      router->BecomeWorker(id);
      ASSERT_TRUE(router->Register(signal, ""));
    }
  }
  void RegisterAndSend(std::initializer_list<std::pair<uint8_t, const char*>> registrations) {
    for (const auto& [signal, target] : registrations) {
      ASSERT_TRUE(router->Register(signal, target));
      router->Send(signal);
    }
  }
  std::vector<int> WaitingForMule(int id) {
    router->BecomeMule(id);
    return Waiting();
  }
  // From here on `router` is that of the next program, and `former` still that of the old
  // processes.
  void Reload(SignalReceivers receivers) {
    left = router->HandOver();
    for (LeftQueue& queue : left) {
      queue.taking = ::fcntl(queue.taking, F_DUPFD_CLOEXEC, 0);
      queue.giving = ::fcntl(queue.giving, F_DUPFD_CLOEXEC, 0);
    }
    left.push_back({"farm_signals"});
    former.emplace(std::move(*router));
    spec.receivers = std::move(receivers);
    SharedSize size;
    SignalRouter::AddSize(size, spec);
    regions.push_back(SharedRegion::Create(size).value());
    router.emplace(SignalRouter::Create(regions.back(), spec, left).value());
  }

  LogSink before;
  SignalRouterSpec spec{
      .receivers = {.workers = 3, .mules = 2, .farms = {{"fa", {2}}}, .has_spooler = true},
      .queue_bytes = 4096};
  std::vector<LeftQueue> left;
  std::vector<SharedRegion> regions;
  std::optional<Scoreboard> scoreboard;
  std::optional<SignalRouter> former;
  std::optional<SignalRouter> router;
};

using Numbers = std::vector<int>;

TEST_F(SignalRouterTest, SignalsWaitForWhomTheyAreFor) {
  const std::pair<uint8_t, const char*> registrations[] = {
      {1, ""},      {2, "workers"}, {3, "worker2"},   {4, "mule"},      {5, "mules"},
      {6, "mule1"}, {7, "farm_fa"}, {255, "spooler"}, {9, "subscribed"}};
  for (const auto& [signal, target] : registrations) {
    ASSERT_TRUE(router->Register(signal, target));
    EXPECT_TRUE(router->Send(signal));
  }
  EXPECT_EQ(WaitingForWorker(1), (Numbers{2, 1}));
  EXPECT_EQ(WaitingForWorker(2), (Numbers{2, 3}));
  EXPECT_EQ(WaitingForWorker(3), (Numbers{2}));
  EXPECT_EQ(WaitingForMule(1), (Numbers{5, 6, 4}));
  EXPECT_EQ(WaitingForMule(2), (Numbers{5, 7}));
  router->BecomeSpooler();
  EXPECT_EQ(Waiting(), (Numbers{255}));
  EXPECT_EQ(router->routed(), 9U);
  EXPECT_EQ(router->lost(), 0U);
}

TEST_F(SignalRouterTest, UnregisteredSignalsGoToAnyWorker) {
  EXPECT_TRUE(router->Send(77));
  EXPECT_EQ(WaitingForWorker(3), Numbers{77});
}

TEST_F(SignalRouterTest, ActiveWorkersAreThoseThatRun) {
  ASSERT_TRUE(router->Register(1, "active-workers"));
  scoreboard->worker(1).state = WorkerState::kAccepting;
  scoreboard->worker(2).state = WorkerState::kEmpty;
  scoreboard->worker(3).state = WorkerState::kDraining;
  EXPECT_TRUE(router->Send(1));
  EXPECT_EQ(WaitingForWorker(1), Numbers{1});
  EXPECT_EQ(WaitingForWorker(2), Numbers{});
  EXPECT_EQ(WaitingForWorker(3), Numbers{1});
}

TEST_F(SignalRouterTest, TheMasterRegistersOnce) {
  ASSERT_TRUE(router->Register(1, "worker1"));
  EXPECT_FALSE(router->Register(1, "worker2"));
  router->BecomeWorker(2);
  EXPECT_TRUE(router->Register(1, "worker2"));
  EXPECT_TRUE(router->Register(1, "worker2"));
  router->Send(1);
  EXPECT_EQ(WaitingForWorker(1), Numbers{1});
}

TEST_F(SignalRouterTest, HelpersDoNotRegister) {
  router->BecomeMule(1);
  EXPECT_FALSE(router->Register(1, ""));
  router->BecomeSpooler();
  EXPECT_FALSE(router->Register(1, ""));
}

TEST_F(SignalRouterTest, ASignalGoesToAWorkerThatHasItsHandler) {
  router->BecomeWorker(2);
  ASSERT_TRUE(router->Register(1, ""));
  EXPECT_TRUE(router->IsRegistered(1));
  for (int i = 0; i < 3; ++i) router->Send(1);
  EXPECT_EQ(router->QueuedForWorker(2), 3);
  EXPECT_EQ(router->QueuedForWorker(0), 0);
  // Its replacement has registered nothing.
  EXPECT_EQ(WaitingForWorker(2), (Numbers{1, 1, 1}));
  EXPECT_FALSE(router->IsRegistered(1));
  router->Send(1);
  EXPECT_EQ(router->QueuedForWorker(0), 1);
}

TEST_F(SignalRouterTest, ASignalForAnyWorkerPassesOverThoseThatAreNotThere) {
  for (const auto state : {WorkerState::kEmpty, WorkerState::kGone, WorkerState::kDraining}) {
    RegisterInWorkers({1, 2}, 1);
    scoreboard->worker(2).state = state;
    for (int i = 0; i < 3; ++i) router->Send(1);
    EXPECT_EQ(router->QueuedForWorker(2), 0);
    EXPECT_EQ(WaitingForWorker(1), (Numbers{1, 1, 1}));
  }
  RegisterInWorkers({1, 2}, 1);
  // Its replacement is on the way, in the other berth.
  scoreboard->berth(2, 1).state = WorkerState::kStarting;
  for (int i = 0; i < 2; ++i) router->Send(1);
  EXPECT_EQ(router->QueuedForWorker(1), 1);
  EXPECT_EQ(router->QueuedForWorker(2), 1);
}

TEST_F(SignalRouterTest, WhenNobodyHasTheHandlerWhoeverComesTakesIt) {
  RegisterInWorkers({2}, 1);
  scoreboard->worker(2).state = WorkerState::kGone;
  router->Send(1);
  EXPECT_EQ(router->QueuedForWorker(0), 1);
}

TEST_F(SignalRouterTest, WhatWaitsForAWorkerThatIsTakenAwayGoesToOthers) {
  RegisterInWorkers({1, 2}, 1);
  ASSERT_TRUE(router->Register(2, "worker2"));
  const uint8_t sent[] = {1, 1, 2, 1, 2};
  for (const uint8_t signal : sent) router->Send(signal);
  EXPECT_EQ(router->QueuedForWorker(2), 3);
  scoreboard->worker(2).state = WorkerState::kGone;
  router->SendAnew(2);
  EXPECT_EQ(WaitingForWorker(1), (Numbers{1, 1, 1}));
  EXPECT_EQ(WaitingForWorker(2), (Numbers{2, 2}));
  EXPECT_EQ(router->lost(), 0U);
}

TEST_F(SignalRouterTest, WhenAllWorkersHaveTheHandlerWhoeverIsFreeTakesIt) {
  for (int id = 1; id <= 3; ++id) {
    router->BecomeWorker(id);
    ASSERT_TRUE(router->Register(1, ""));
  }
  router->Send(1);
  EXPECT_EQ(router->QueuedForWorker(0), 1);
}

TEST_F(SignalRouterTest, TargetsThatMeanNothingAreToldAndLost) {
  ASSERT_TRUE(router->Register(1, "bogus"));
  ASSERT_TRUE(router->Register(2, "worker9"));
  EXPECT_NE(logged.find("^^^ UNSUPPORTED SIGNAL TARGET: bogus ^^^"), std::string::npos);
  EXPECT_NE(logged.find("invalid signal target: worker9"), std::string::npos);
  EXPECT_FALSE(router->Send(1));
  EXPECT_FALSE(router->Send(2));
  EXPECT_EQ(router->lost(), 2U);
  EXPECT_EQ(router->routed(), 0U);
}

size_t Count(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST_F(SignalRouterTest, AFullQueueIsToldOnceForEachBurst) {
  ASSERT_TRUE(router->Register(1, "worker1"));
  for (uint64_t burst = 1; burst <= 2; ++burst) {
    for (int i = 0; i < 4096; ++i) EXPECT_TRUE(router->Send(1));
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(router->Send(1));
    EXPECT_EQ(router->lost(), burst * 10);
    EXPECT_EQ(Count(logged,
                    "*** SIGNAL QUEUE IS FULL: buffer size 4096 bytes (you can tune it "
                    "with --signal-bufsize) ***"),
              burst);
    EXPECT_EQ(WaitingForWorker(1).size(), 4096U);
  }
}

TEST_F(SignalRouterTest, WhatWaitsAtAReloadIsTakenOnce) {
  RegisterAndSend(
      {{1, ""}, {2, "worker2"}, {3, "mule"}, {4, "mule1"}, {5, "farm_fa"}, {6, "spooler"}});
  Reload(spec.receivers);
  // The queues of messages are others' to take.
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].name, "farm_signals");
  former->Send(2);
  EXPECT_EQ(WaitingForWorker(2), (Numbers{2, 2, 1}));
  EXPECT_EQ(WaitingForMule(1), (Numbers{4, 3}));
  EXPECT_EQ(WaitingForMule(2), (Numbers{5}));
  router->BecomeSpooler();
  EXPECT_EQ(Waiting(), (Numbers{6}));
  EXPECT_EQ(former->QueuedForWorker(0) + former->QueuedForWorker(2), 0);
}

TEST_F(SignalRouterTest, AReloadMayChangeTheRoomThatQueuesHave) {
  ASSERT_TRUE(router->Register(1, "worker1"));
  for (int i = 0; i < 4096; ++i) ASSERT_TRUE(router->Send(1));
  spec.queue_bytes = 8192;
  Reload(spec.receivers);
  EXPECT_TRUE(former->Send(1));
  spec.queue_bytes = 4096;
  Reload(spec.receivers);
  EXPECT_NE(logged.find("signals_worker1: signal-bufsize 4096"), std::string::npos);
  EXPECT_EQ(WaitingForWorker(1).size(), 4097U);
}

TEST_F(SignalRouterTest, WhatWaitsForOneThatAReloadTakesAwayGoesToAnother) {
  RegisterAndSend({{1, "worker3"}, {2, "mule2"}, {3, "farm_fa"}});
  Reload({.workers = 1, .mules = 1});
  EXPECT_EQ(WaitingForWorker(1), (Numbers{1}));
  EXPECT_EQ(WaitingForMule(1), (Numbers{2, 3}));
  // Those of before go on sending.
  former->Send(1);
  router->ForgetFormer();
  EXPECT_EQ(router->HandOver().size(), 6U);
  EXPECT_EQ(WaitingForWorker(1), (Numbers{1}));
  router->ForgetFormer();
  EXPECT_EQ(router->HandOver().size(), 5U);
  EXPECT_EQ(router->lost(), 0U);
}

TEST_F(SignalRouterTest, WhatWaitsOverSeveralReloadsFindsItsWorkerAgain) {
  ASSERT_TRUE(router->Register(1, "worker3"));
  router->Send(1);
  Reload({.workers = 1});
  Reload({.workers = 3});
  EXPECT_EQ(WaitingForWorker(2), (Numbers{}));
  EXPECT_EQ(WaitingForWorker(3), (Numbers{1}));
}

TEST_F(SignalRouterTest, WhatWaitsForNobodyIsToldWhenThoseOfBeforeHaveGone) {
  RegisterAndSend({{1, "mule"}, {2, "mule1"}, {3, "spooler"}});
  Reload({.workers = 3});
  EXPECT_EQ(logged.find("lost"), std::string::npos);
  router->ForgetFormer();
  EXPECT_NE(logged.find("*** user signals that waited for a mule are lost, as there is none any "
                        "more: 2 ***"),
            std::string::npos);
  EXPECT_NE(logged.find("waited for a spooler are lost, as there is none any more: 1 ***"),
            std::string::npos);
  EXPECT_EQ(router->lost(), 3U);
}

}  // namespace
}  // namespace uwsgi
