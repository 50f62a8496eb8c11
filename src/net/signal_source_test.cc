// SPDX-License-Identifier: Apache-2.0
#include "net/signal_source.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace uwsgi {
namespace {

void (*HandlerOf(int signal))(int) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

TEST(SignalSource, LeavesSignalsInOrder) {
  SignalSource source = SignalSource::Create().value();
  ASSERT_TRUE(source.Install({SIGUSR1, SIGUSR2}));
  EXPECT_TRUE(source.Drain().empty());
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  pollfd ready{source.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 1);
  EXPECT_EQ(source.Drain(), (std::vector<int>{SIGUSR2, SIGUSR1, SIGUSR2}));
  EXPECT_TRUE(source.Drain().empty());
}

TEST(SignalSource, TellsWhichValueASignalWasQueuedWith) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer keeps one pending signal of a kind";
#endif
  SignalSource source = SignalSource::Create().value();
  ASSERT_TRUE(source.Install({SIGTSTP}));
  for (const int value : {1, kMostQueuedValue, 0, -1, kMostQueuedValue + 1}) {
    sigval said{};
    said.sival_int = value;
    ASSERT_EQ(::sigqueue(::getpid(), SIGTSTP, said), 0);
  }
  EXPECT_EQ(source.Drain(),
            (std::vector<int>{QueuedSignal(SIGTSTP, 1), QueuedSignal(SIGTSTP, kMostQueuedValue),
                              SIGTSTP, SIGTSTP, SIGTSTP}));
}

TEST(SignalSource, GivesBackWhatWasThereBefore) {
  const auto before = HandlerOf(SIGUSR1);
  {
    SignalSource source = SignalSource::Create().value();
    ASSERT_TRUE(source.Install({SIGUSR1}));
    ASSERT_TRUE(source.Ignore({SIGUSR1}));
    EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
  }
  EXPECT_EQ(HandlerOf(SIGUSR1), before);
}

TEST(SignalSource, ThereIsOneAtATime) {
  {
    SignalSource first = SignalSource::Create().value();
    SignalSource moved = std::move(first);
    EXPECT_FALSE(SignalSource::Create());
  }
  EXPECT_TRUE(SignalSource::Create());
}

TEST(SignalSource, RefusesWhatCannotBeCaught) {
  SignalSource source = SignalSource::Create().value();
  EXPECT_FALSE(source.Install({SIGKILL}));
}

TEST(SignalSource, ASignalForAForkedProcessIsNotItsParents) {
  SignalSource source = SignalSource::Create().value();
  ASSERT_TRUE(source.Install({SIGTERM}));
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_TRUE(source.Drain().empty());
}

TEST(SignalMask, HoldsSignalsBackUntilItEnds) {
  SignalSource source = SignalSource::Create().value();
  ASSERT_TRUE(source.Install({SIGUSR1}));
  {
    const SignalMask blocked;
    ::raise(SIGUSR1);
    EXPECT_TRUE(source.Drain().empty());
  }
  EXPECT_EQ(source.Drain(), (std::vector<int>{SIGUSR1}));
}

}  // namespace
}  // namespace uwsgi
