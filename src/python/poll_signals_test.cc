// SPDX-License-Identifier: Apache-2.0
#include "python/poll_signals.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "base/unique_fd.h"
#include "python/interpreter_for_tests.h"

namespace uwsgi {
namespace {

constexpr int kSoonMs = 20'000;

class PollSignals : public PythonTest {
 protected:
  PollSignals() : pipe_(MakePipe().value()), queues_{{pipe_.first.get(), POLLIN, 0}} {
    PyRun_SimpleString(
        "import signal\n"
        "def leave(*_): raise KeyError\n"
        "signal.signal(signal.SIGUSR1, leave)\n");
  }
  ~PollSignals() override { PyRun_SimpleString("signal.signal(signal.SIGUSR1, signal.SIG_DFL)\n"); }

  FdPair pipe_;
  std::vector<pollfd> queues_;
};

TEST_F(PollSignals, ASignalThatComesJustBeforeTheWaitIsNotSleptOver) {
  ::raise(SIGUSR1);
  EXPECT_FALSE(PollForSignals(queues_, kSoonMs));
  EXPECT_TRUE(PyErr_ExceptionMatches(PyExc_KeyError));
  PyErr_Clear();
}

TEST_F(PollSignals, SaysWhatIsReadableAndLeavesTheSignalsAsTheyWere) {
  ASSERT_EQ(::write(pipe_.second.get(), "x", 1), 1);
  EXPECT_TRUE(PollForSignals(queues_, kSoonMs));
  EXPECT_EQ(queues_[0].revents, POLLIN);
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGUSR1), 0);
}

TEST_F(PollSignals, NothingIsReadableWhenTheTimeIsOver) {
  EXPECT_TRUE(PollForSignals(queues_, 0));
  EXPECT_EQ(queues_[0].revents, 0);
}

}  // namespace
}  // namespace uwsgi
