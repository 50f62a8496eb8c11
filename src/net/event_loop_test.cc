// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace uwsgi {
namespace {

// A pipe with a byte in it: readable from the start.
FdPair ReadyPipe() {
  FdPair pipe = MakePipe().value();
  EXPECT_EQ(::write(pipe.second.get(), "x", 1), 1);
  return pipe;
}

struct EventLoopTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<EventLoop> loop = EventLoop::Create(clock).value();
};

TEST_F(EventLoopTest, CallsBackWithWhatHappened) {
  FdPair pipe = ReadyPipe();
  uint32_t seen = 0;
  ASSERT_TRUE(loop->Watch(pipe.first.get(), kReadable, [&](uint32_t events) { seen = events; }));
  loop->RunOnce(0);
  EXPECT_TRUE(seen & kReadable);
}

TEST_F(EventLoopTest, CallbackMayUnwatchItselfAndIsAliveUntilItReturns) {
  FdPair pipe = ReadyPipe();
  int calls = 0;
  WatchId id = 0;
  auto owned = std::make_shared<std::string>("still here");
  std::weak_ptr<std::string> alive = owned;
  id = loop->Watch(pipe.first.get(), kReadable,
                   [&, owned = std::move(owned)](uint32_t) {
                     ++calls;
                     loop->Unwatch(id);
                     EXPECT_EQ(*owned, "still here");
                   })
           .value();
  loop->RunOnce(0);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(alive.expired());
}

TEST_F(EventLoopTest, WhatIsUnwatchedByAnotherCallbackOfTheSameTurnIsNotCalled) {
  FdPair one = ReadyPipe();
  FdPair two = ReadyPipe();
  int calls = 0;
  WatchId first = 0;
  WatchId second = 0;
  first = loop->Watch(one.first.get(), kReadable,
                      [&](uint32_t) {
                        ++calls;
                        loop->Unwatch(second);
                      })
              .value();
  second = loop->Watch(two.first.get(), kReadable,
                       [&](uint32_t) {
                         ++calls;
                         loop->Unwatch(first);
                       })
               .value();
  loop->RunOnce(0);
  loop->RunOnce(0);
  // Whichever came first, it went on alone.
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, RewatchAsksForSomethingElse) {
  FdPair pipe = ReadyPipe();
  int calls = 0;
  const WatchId id = loop->Watch(pipe.first.get(), kReadable, [&](uint32_t) { ++calls; }).value();
  ASSERT_TRUE(loop->Rewatch(id, 0));
  loop->RunOnce(0);
  EXPECT_EQ(calls, 0);
  loop->Unwatch(id);
  EXPECT_FALSE(loop->Rewatch(id, kReadable));
}

TEST_F(EventLoopTest, DeferredCallsComeAfterTheRunningCallbackAndBeforeTheNext) {
  std::string order;
  loop->After(0, [&] {
    loop->Defer([&] { order += "d"; });
    order += "a";
  });
  loop->After(0, [&] { order += "b"; });
  loop->RunOnce(0);
  EXPECT_EQ(order, "adb");
}

TEST_F(EventLoopTest, WhatIsDeferredOutsideACallbackRunsAtTheNextTurn) {
  bool called = false;
  loop->Defer([&] { called = true; });
  EXPECT_FALSE(called);
  loop->RunOnce(0);
  EXPECT_TRUE(called);
}

TEST_F(EventLoopTest, TimersRunInTheOrderOfTheirDeadlines) {
  std::string order;
  loop->After(3000, [&] { order += "3"; });
  loop->After(1000, [&] { order += "1"; });
  loop->After(9000, [&] { order += "9"; });
  clock.Advance(999);
  loop->RunOnce(0);
  EXPECT_EQ(order, "");
  clock.Advance(4000);
  loop->RunOnce(0);
  loop->RunOnce(0);
  EXPECT_EQ(order, "13");
}

TEST_F(EventLoopTest, WhatHappenedWhileTheProcessStoodStillComesBeforeTheTimersThatAreDueSince) {
  FdPair first = ReadyPipe();
  FdPair second = MakePipe().value();
  std::string order;
  WatchId halt = 0;
  halt = loop->Watch(first.first.get(), kReadable,
                     [&](uint32_t) {
                       loop->Unwatch(halt);
                       clock.Advance(5'000'000);
                       EXPECT_EQ(::write(second.second.get(), "x", 1), 1);
                     })
             .value();
  ASSERT_TRUE(loop->Watch(second.first.get(), kReadable, [&](uint32_t) { order += "event "; }));
  loop->After(1'000'000, [&] { order += "timer"; });
  loop->RunOnce(0);
  EXPECT_EQ(order, "event timer");
}

TEST_F(EventLoopTest, EveryLeavesOutTheTurnsItMissed) {
  int calls = 0;
  const TimerId id = loop->Every(1000, [&] { ++calls; });
  clock.Advance(5500);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 1);
  clock.Advance(499);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 1);
  clock.Advance(1);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 2);
  loop->Cancel(id);
  clock.Advance(5000);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, ATimerMayCancelItselfAndOthersThatAreDue) {
  int calls = 0;
  TimerId self = 0;
  TimerId other = 0;
  self = loop->Every(1000, [&] {
    ++calls;
    loop->Cancel(self);
    loop->Cancel(other);
  });
  other = loop->After(1000, [&] { calls += 100; });
  clock.Advance(1000);
  loop->RunOnce(0);
  clock.Advance(1000);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, ATimerOfNothingThatStartsAnotherDoesNotKeepTheTurn) {
  int calls = 0;
  loop->After(0, [&] {
    ++calls;
    loop->After(0, [&] { ++calls; });
  });
  loop->RunOnce(0);
  EXPECT_EQ(calls, 1);
  loop->RunOnce(0);
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, StopEndsRunAfterTheRunningCallback) {
  FdPair pipe = ReadyPipe();
  std::string order;
  ASSERT_TRUE(loop->Watch(pipe.first.get(), kReadable, [&](uint32_t) {
    loop->Stop();
    order += "stopped";
  }));
  loop->Run();
  EXPECT_EQ(order, "stopped");
}

TEST_F(EventLoopTest, StopBeforeRunLetsItReturnAtOnce) {
  loop->Stop();
  loop->Run();
  bool called = false;
  loop->Defer([&] { called = true; });
  loop->RunOnce(0);
  EXPECT_TRUE(called);
}

TEST_F(EventLoopTest, DestroyingTheLoopInAChildLeavesTheParentsWatches) {
  FdPair pipe = MakePipe().value();
  int calls = 0;
  ASSERT_TRUE(loop->Watch(pipe.first.get(), kReadable, [&](uint32_t) { ++calls; }));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    loop.reset();
    ::_exit(::write(pipe.second.get(), "x", 1) == 1 ? 0 : 1);
  }
  loop->RunOnce(-1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace uwsgi
