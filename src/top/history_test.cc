// SPDX-License-Identifier: Apache-2.0
#include "top/history.h"

#include <gtest/gtest.h>

namespace uwsgi::top {
namespace {

constexpr int64_t kSecond = 1'000'000;

Snapshot Of(std::vector<int64_t> requests, int64_t pid = 1) {
  Snapshot snapshot{.pid = pid};
  for (size_t i = 0; i < requests.size(); ++i) {
    WorkerStats worker{.id = static_cast<int64_t>(i) + 1, .requests = requests[i]};
    worker.cores.push_back({.id = 0, .requests = requests[i] / 2});
    snapshot.workers.push_back(worker);
  }
  return snapshot;
}

TEST(History, KnowsNoRateFromOneSnapshot) {
  History history;
  history.Add(Of({100}), kSecond);
  EXPECT_EQ(history.worker_rps(1), 0);
  EXPECT_EQ(history.total_rps(), 0);
  EXPECT_EQ(history.interval(), 0);
}

TEST(History, DividesByTheTimeThatHasPassed) {
  History history;
  history.Add(Of({100, 10}), kSecond);
  history.Add(Of({300, 10}), 3 * kSecond);
  EXPECT_DOUBLE_EQ(history.worker_rps(1), 100);
  EXPECT_DOUBLE_EQ(history.worker_rps(2), 0);
  EXPECT_DOUBLE_EQ(history.core_rps(1, 0), 50);
  EXPECT_DOUBLE_EQ(history.total_rps(), 100);
  EXPECT_DOUBLE_EQ(history.interval(), 2);
}

TEST(History, CountsOverASecondWhenAskedMoreOften) {
  History history;
  for (int tenth = 0; tenth <= 20; ++tenth) {
    history.Add(Of({tenth < 10 ? 0 : 50}), kSecond + tenth * kSecond / 10);
  }
  EXPECT_DOUBLE_EQ(history.interval(), 0.9);
  EXPECT_EQ(history.worker_rps(1), 0);
  EXPECT_LE(history.total_course().size(), 3U);
}

TEST(History, NeverCountsBackwards) {
  History history;
  history.Add(Of({100}), kSecond);
  history.Add(Of({40}), 2 * kSecond);
  EXPECT_EQ(history.worker_rps(1), 0);
}

TEST(History, BeginsAnewWithAnotherServer) {
  History history;
  history.Add(Of({100}, 1), kSecond);
  history.Add(Of({900}, 2), 2 * kSecond);
  EXPECT_EQ(history.total_rps(), 0);
  EXPECT_TRUE(history.total_course().empty());
}

TEST(History, KeepsAMinuteAndForgetsWorkersThatAreGone) {
  History history;
  for (int second = 1; second <= 100; ++second) {
    history.Add(Of({second * 10, second}), second * kSecond);
  }
  EXPECT_EQ(history.worker_course(2).size(), History::kPoints);
  EXPECT_DOUBLE_EQ(history.worker_course(1).back(), 10);
  history.Add(Of({2000}), 101 * kSecond);
  EXPECT_TRUE(history.worker_course(2).empty());
}

}  // namespace
}  // namespace uwsgi::top
