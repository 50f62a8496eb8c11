// SPDX-License-Identifier: Apache-2.0
#include "service/signal_triggers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

namespace uwsgi {
namespace {

struct SignalTriggersTest : testing::Test {
  SignalTriggersTest() {
    SharedSize size;
    SignalTriggers::AddSize(size);
    region.emplace(SharedRegion::Create(size).value());
    triggers.emplace(SignalTriggers::Create(*region).value());
  }

  bool HasNews() {
    pollfd ready{triggers->fd(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  void Read() {
    triggers->Read([&](size_t slot, const TimerRow& row) { timers.emplace_back(slot, row.signal); },
                   [&](size_t, const CronRow& row) { crons.push_back(row.signal); },
                   [&](size_t, const MonitorRow& row) { paths.emplace_back(row.path.data()); });
  }

  std::optional<SharedRegion> region;
  std::optional<SignalTriggers> triggers;
  std::vector<std::pair<size_t, int>> timers;
  std::vector<int> crons;
  std::vector<std::string> paths;
};

TEST_F(SignalTriggersTest, TellsOfEachRegistrationOnce) {
  EXPECT_FALSE(HasNews());
  ASSERT_TRUE(triggers->AddTimer({.signal = 1, .period_us = 5}));
  ASSERT_TRUE(triggers->AddCron({.signal = 2, .fields = {.minute = 3}}));
  ASSERT_TRUE(triggers->AddMonitor(3, "/tmp/x"));
  EXPECT_TRUE(HasNews());
  Read();
  EXPECT_FALSE(HasNews());
  Read();
  EXPECT_EQ(timers.size(), 1U);
  EXPECT_EQ(crons, std::vector<int>{2});
  EXPECT_EQ(paths, std::vector<std::string>{"/tmp/x"});
}

TEST_F(SignalTriggersTest, SeveralProcessesWithTheSameTimerMakeOne) {
  for (int worker = 0; worker < 3; ++worker) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const bool added = triggers->AddTimer({.signal = 7, .period_us = 1000}).has_value() &&
                         triggers->AddTimer({.signal = 8, .period_us = 1000}).has_value();
      ::_exit(added ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Read();
  EXPECT_EQ(timers, (std::vector<std::pair<size_t, int>>{{0, 7}, {1, 8}}));
}

TEST_F(SignalTriggersTest, ATimerThatIsOverMakesRoomForTheNext) {
  const TimerRow thrice{.signal = 1, .period_us = 5, .times = 3};
  ASSERT_TRUE(triggers->AddTimer(thrice));
  Read();
  triggers->RemoveTimer(0);
  Read();
  ASSERT_TRUE(triggers->AddTimer(thrice));
  Read();
  EXPECT_EQ(timers.size(), 2U);
}

TEST_F(SignalTriggersTest, ThereAreSixtyFourOfAKind) {
  for (int i = 0; i < 64; ++i)
    ASSERT_TRUE(triggers->AddTimer({.signal = static_cast<uint8_t>(i), .period_us = 1}));
  EXPECT_EQ(triggers->AddTimer({.signal = 64, .period_us = 1}).error().text(),
            "you can register max 64 timers !!!");
  EXPECT_TRUE(triggers->AddTimer({.signal = 63, .period_us = 1}));
}

TEST_F(SignalTriggersTest, RefusesWhatCannotBe) {
  EXPECT_FALSE(triggers->AddTimer({.signal = 1, .period_us = 0}));
  EXPECT_FALSE(triggers->AddTimer({.signal = 1, .period_us = 1, .times = -1}));
  EXPECT_FALSE(triggers->AddCron({.signal = 1, .fields = {.minute = 61}}));
  EXPECT_FALSE(triggers->AddMonitor(1, std::string(255, 'x')));
  EXPECT_FALSE(triggers->AddMonitor(1, ""));
  EXPECT_TRUE(triggers->AddMonitor(1, std::string(254, 'x')));
}

}  // namespace
}  // namespace uwsgi
