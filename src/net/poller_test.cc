// SPDX-License-Identifier: Apache-2.0
#include "net/poller.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace uwsgi {
namespace {

TEST(Poller, ReportsTheTagOfWhatIsReadable) {
  Poller poller = Poller::Create().value();
  FdPair pipe = MakePipe().value();
  int tag = 0;
  ASSERT_TRUE(poller.Add(pipe.first.get(), kReadable, &tag));
  std::array<epoll_event, 4> events;
  EXPECT_EQ(poller.Wait(events, 0), 0);
  ASSERT_EQ(::write(pipe.second.get(), "x", 1), 1);
  ASSERT_EQ(poller.Wait(events, -1), 1);
  EXPECT_EQ(events[0].data.ptr, &tag);
  EXPECT_TRUE(events[0].events & kReadable);
}

TEST(Poller, RemovedDescriptorsAreSilent) {
  Poller poller = Poller::Create().value();
  FdPair pipe = MakePipe().value();
  ASSERT_TRUE(poller.Add(pipe.first.get(), kReadable, nullptr));
  ASSERT_EQ(::write(pipe.second.get(), "x", 1), 1);
  poller.Remove(pipe.first.get());
  poller.Remove(pipe.first.get());
  std::array<epoll_event, 4> events;
  EXPECT_EQ(poller.Wait(events, 0), 0);
}

TEST(Poller, ModifyChangesWhatIsReported) {
  Poller poller = Poller::Create().value();
  FdPair pipe = MakePipe().value();
  ASSERT_TRUE(poller.Add(pipe.second.get(), 0, nullptr));
  std::array<epoll_event, 4> events;
  EXPECT_EQ(poller.Wait(events, 0), 0);
  ASSERT_TRUE(poller.Modify(pipe.second.get(), kWritable, nullptr));
  EXPECT_EQ(poller.Wait(events, 0), 1);
}

TEST(Poller, SaysWhichDescriptorItCannotWatch) {
  Poller poller = Poller::Create().value();
  const auto refused = poller.Add(-1, kReadable, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "watch fd -1: Bad file descriptor");
}

}  // namespace
}  // namespace uwsgi
