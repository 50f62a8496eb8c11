// SPDX-License-Identifier: Apache-2.0
#include "worker/thread_view.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace uwsgi {
namespace {

TEST(ThreadViewTest, OneThatRunsIsRunnableAndUsesTime) {
  const ThreadView view = ThreadView::OfCaller();
  EXPECT_TRUE(view.IsRunnable());
  const int64_t before = view.CpuMicros();
  while (view.CpuMicros() == before) {
  }
  EXPECT_GT(view.CpuMicros(), before);
}

TEST(ThreadViewTest, OneThatWaitsIsNot) {
  std::promise<ThreadView> view;
  std::promise<void> end;
  std::thread waits([&] {
    view.set_value(ThreadView::OfCaller());
    end.get_future().wait();
  });
  const ThreadView seen = view.get_future().get();
  while (seen.IsRunnable()) std::this_thread::yield();
  EXPECT_FALSE(seen.IsRunnable());
  end.set_value();
  waits.join();
}

TEST(ThreadViewTest, OneThatKeepsAProcessorBusyIsRunnableToOthers) {
  std::atomic<bool> end{false};
  std::promise<ThreadView> view;
  std::thread works([&] {
    view.set_value(ThreadView::OfCaller());
    while (!end.load()) {
    }
  });
  const ThreadView seen = view.get_future().get();
  EXPECT_TRUE(seen.IsRunnable());
  end.store(true);
  works.join();
}

TEST(ThreadViewTest, NoThreadDoesNothing) {
  EXPECT_FALSE(ThreadView().IsRunnable());
  EXPECT_EQ(ThreadView().CpuMicros(), 0);
}

}  // namespace
}  // namespace uwsgi
