// SPDX-License-Identifier: Apache-2.0
#include "process/reload.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <set>

#include "base/file.h"
#include "base/unique_fd.h"

namespace uwsgi {
namespace {

bool ClosesOnExec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

bool IsBlocked(int signal) {
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return ::sigismember(&blocked, signal) == 1;
}

void ExpectThatNothingChanges(const StartCommand& command, HandOver state) {
  const FdPair pipe = MakePipe().value();
  state.lifelines = {pipe.first.get()};
  state.notes = {{"a", "", pipe.second.get()}};
  const std::string here = CurrentDirectory();
  SignalSource signals = SignalSource::Create().value();
  ASSERT_TRUE(signals.Install({SIGTERM, SIGTSTP}));
  ::raise(SIGTERM);
  ::sigqueue(::getpid(), SIGTSTP, {.sival_int = 2});
  EXPECT_FALSE(BecomeSuccessor(command, state, signals).text().empty());
  const std::vector<int> arrived = signals.Drain();
  EXPECT_EQ(std::set<int>(arrived.begin(), arrived.end()),
            (std::set<int>{SIGTERM, QueuedSignal(SIGTSTP, 2)}));
  EXPECT_TRUE(ClosesOnExec(pipe.first.get()));
  EXPECT_TRUE(ClosesOnExec(pipe.second.get()));
  EXPECT_FALSE(IsBlocked(SIGTERM));
  EXPECT_EQ(CurrentDirectory(), here);
}

TEST(BecomeSuccessor, LeavesAllAsItWasWithoutAProgram) {
  ExpectThatNothingChanges({.binary = "/no/such/program", .argv = {"x"}, .directory = "/"}, {});
}

TEST(BecomeSuccessor, LeavesAllAsItWasWhenADescriptorIsGone) {
  ExpectThatNothingChanges({.binary = "/bin/false", .argv = {"x"}, .directory = "/"},
                           {.inlets = {-1}});
}

}  // namespace
}  // namespace uwsgi
