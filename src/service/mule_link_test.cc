// SPDX-License-Identifier: Apache-2.0
#include "service/mule_link.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"

namespace uwsgi {
namespace {

std::string logged;

struct MuleLinkTest : testing::Test {
  MuleLinkTest() { logged.clear(); }
  ~MuleLinkTest() override { SetLogSink(before); }

  // What a mule finds in its queues and those of its farms.
  std::vector<std::string> Waiting(int mule) {
    std::vector<int> queues = link.MuleQueues(mule);
    std::ranges::copy(link.FarmQueues(mule), std::back_inserter(queues));
    std::vector<std::string> messages;
    for (const int queue : queues) {
      while (auto message = link.Take(queue)) messages.push_back(*message);
    }
    return messages;
  }

  MuleLink link =
      MuleLink::Create({.mules = 3, .farms = {{"fa", {2, 3}}, {"fb", {3}}}, .most_bytes = 70000})
          .value();
  LogSink before = SetLogSink([](std::string_view line) { logged += line; });
};

using Texts = std::vector<std::string>;

TEST_F(MuleLinkTest, MessagesWaitForWhomTheyAreFor) {
  EXPECT_EQ(link.SendToMule(1, "one").value(), MuleLink::Sent::kYes);
  EXPECT_EQ(link.SendToMule(0, "any").value(), MuleLink::Sent::kYes);
  EXPECT_EQ(link.SendToFarm(1, "farm").value(), MuleLink::Sent::kYes);
  EXPECT_EQ(Waiting(3), (Texts{"any", "farm"}));
  EXPECT_EQ(Waiting(1), (Texts{"one"}));
  EXPECT_EQ(Waiting(2), Texts{});
}

TEST_F(MuleLinkTest, EmptyAndBinaryMessagesStayWhole) {
  const std::string long_one(70000, '\0');
  for (const std::string& message : {std::string(), std::string("a\0b", 3), long_one})
    EXPECT_EQ(link.SendToMule(2, message).value(), MuleLink::Sent::kYes);
  EXPECT_EQ(Waiting(2), (Texts{"", std::string("a\0b", 3), long_one}));
}

TEST_F(MuleLinkTest, WhatIsTooLongIsRefused) {
  EXPECT_FALSE(link.SendToMule(1, std::string(70001, 'x')));
  EXPECT_EQ(Waiting(1), Texts{});
}

TEST_F(MuleLinkTest, AFullQueueIsToldOnceForEachBurst) {
  const std::string message(50000, 'x');
  for (int burst = 0; burst < 2; ++burst) {
    logged.clear();
    int sent = 0;
    while (link.SendToMule(1, message).value() == MuleLink::Sent::kYes) ++sent;
    EXPECT_GT(sent, 0);
    EXPECT_EQ(link.SendToMule(1, message).value(), MuleLink::Sent::kFull);
    EXPECT_EQ(logged.find("*** MULE MSG QUEUE IS FULL: buffer size "), 0U);
    EXPECT_EQ(std::ranges::count(logged, '\n'), 1);
    EXPECT_EQ(Waiting(1).size(), static_cast<size_t>(sent));
  }
}

TEST_F(MuleLinkTest, FarmsAreFoundByName) {
  EXPECT_EQ(link.FarmCalled("fb"), 2);
  EXPECT_EQ(link.FarmCalled("fc"), 0);
  EXPECT_TRUE(link.IsInFarm(3, 2));
  EXPECT_FALSE(link.IsInFarm(2, 2));
}

}  // namespace
}  // namespace uwsgi
