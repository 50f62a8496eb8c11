// SPDX-License-Identifier: Apache-2.0
#include "process/hand_over.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/file.h"

namespace uwsgi {
namespace {

TEST(HandOver, SurvivesTheWayThroughText) {
  HandOver state;
  state.reloads = 3;
  state.failed_reloads = 2;
  state.started_on = 1700000000;
  state.listeners = {"5 0 127.0.0.1:8000", "6 0 /run/a b.sock"};
  state.lifelines = {8, 9};
  state.inlets = {10, 11};
  state.queues = {{"0", 12, 13}, {"farm_a b", 14, 15}};
  state.files = {{77, "/run/a b.sock"}};
  state.notes = {{"cron-minute", "29000000"}, {"cron-run", "4711 1700000000 sleep 5"}};
  state.children = {{.id = 1, .pid = 4242},
                    {.id = 2, .pid = 4243, .draining = true, .deadline_us = 123456789},
                    {.is_worker = false, .id = 1, .pid = 4244, .mercy_us = 7'000'000}};
  const auto decoded = DecodeHandOver(EncodeHandOver(state));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(decoded->reloads, 3);
  EXPECT_EQ(decoded->failed_reloads, 2);
  EXPECT_EQ(decoded->started_on, 1700000000);
  EXPECT_EQ(decoded->listeners, state.listeners);
  EXPECT_EQ(decoded->lifelines, state.lifelines);
  EXPECT_EQ(decoded->inlets, state.inlets);
  ASSERT_EQ(decoded->queues.size(), 2U);
  EXPECT_EQ(decoded->queues[1].name, "farm_a b");
  EXPECT_EQ(decoded->queues[1].taking, 14);
  EXPECT_EQ(decoded->queues[1].giving, 15);
  ASSERT_EQ(decoded->files.size(), 1U);
  EXPECT_EQ(decoded->files[0].inode, 77U);
  EXPECT_EQ(decoded->files[0].path, "/run/a b.sock");
  ASSERT_EQ(decoded->notes.size(), 2U);
  EXPECT_EQ(decoded->notes[1].name, "cron-run");
  EXPECT_EQ(decoded->notes[1].text, "4711 1700000000 sleep 5");
  ASSERT_EQ(decoded->children.size(), 3U);
  EXPECT_EQ(decoded->children[0].pid, 4242);
  EXPECT_FALSE(decoded->children[0].draining);
  EXPECT_EQ(decoded->children[1].id, 2);
  EXPECT_TRUE(decoded->children[1].draining);
  EXPECT_EQ(decoded->children[1].deadline_us, 123456789);
  EXPECT_FALSE(decoded->children[2].is_worker);
  EXPECT_EQ(decoded->children[2].mercy_us, 7'000'000);
}

TEST(HandOver, NamesMayHoldLineEndsAndBlanks) {
  const std::string name = "/run/a\nreloads 99\n\nb c ";
  HandOver state;
  state.listeners = {"5 0 " + name};
  state.log_file = state.jail = name;
  state.queues = {{name, 1, 2}};
  state.files = {{77, name}};
  state.notes = {{"touch", name}, {"nothing", ""}};
  const auto decoded = DecodeHandOver(EncodeHandOver(state));
  ASSERT_TRUE(decoded) << decoded.error().text();
  EXPECT_EQ(decoded->reloads, 1);
  EXPECT_EQ(decoded->listeners, state.listeners);
  EXPECT_EQ(decoded->log_file, name);
  EXPECT_EQ(decoded->jail, name);
  ASSERT_EQ(decoded->queues.size(), 1U);
  EXPECT_EQ(decoded->queues[0].name, name);
  ASSERT_EQ(decoded->files.size(), 1U);
  EXPECT_EQ(decoded->files[0].path, name);
  ASSERT_EQ(decoded->notes.size(), 2U);
  EXPECT_EQ(decoded->notes[0].text, name);
  EXPECT_EQ(decoded->notes[1].text, "");
}

TEST(HandOver, DescriptorsGoAlongWithTheirNotes) {
  FdPair pipe = MakePipe().value();
  const int reading = pipe.first.get();
  HandOver state;
  state.notes = {{"fifo", "/run/a b\n", ::dup(reading)}, {"fifo", "no descriptor"}, {"other", ""}};
  auto decoded = DecodeHandOver(EncodeHandOver(state));
  ASSERT_TRUE(decoded) << decoded.error().text();
  const std::vector<LeftDescriptor> left = TakeDescriptors(&*decoded, "fifo");
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].fd.get(), state.notes[0].fd);
  EXPECT_EQ(left[0].text, "/run/a b\n");
  EXPECT_TRUE(TakeDescriptors(&*decoded, "fifo").empty());
  EXPECT_TRUE(TakeDescriptors(&*decoded, "other").empty());
  EXPECT_TRUE(TakeDescriptors(nullptr, "fifo").empty());
}

TEST(HandOver, DescriptorsThatNobodyTakesAreClosed) {
  FdPair pipe = MakePipe().value();
  HandOver state;
  state.notes = {{"fifo", "", pipe.second.Release()}};
  CloseUntakenDescriptors(&state);
  EXPECT_TRUE(TakeDescriptors(&state, "fifo").empty());
  char byte = 0;
  EXPECT_EQ(::read(pipe.first.get(), &byte, 1), 0);
}

TEST(HandOver, RefusesAnotherText) { EXPECT_FALSE(DecodeHandOver("something else\n")); }

TEST(HandOver, RefusesAWorkerThatIsNone) {
  for (const char* worker :
       {"worker 1 4242", "worker 1 x 0 0", "worker 1 1 0 0", "worker 1 0 0 0"}) {
    const auto decoded = DecodeHandOver(std::string("uwsgi-handover 1\n") + worker + "\n");
    ASSERT_FALSE(decoded) << worker;
    EXPECT_NE(decoded.error().message.find("line 2"), std::string::npos);
  }
}

TEST(HandOver, IgnoresWhatAnotherVersionAdds) {
  const auto decoded = DecodeHandOver("uwsgi-handover 1\nreloads 2\nmood good\n");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->reloads, 2);
}

class StartOrderTest : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("UWSGI_HANDOVER_FD");
    ::unsetenv("UWSGI_TRIAL");
  }
  // The number of a memory file that somebody else is going to close.
  static std::string FileWith(const HandOver& state) {
    auto file = MakeMemoryFile(EncodeHandOver(state));
    return std::to_string(file ? file->Release() : -1);
  }
};

TEST_F(StartOrderTest, WithoutVariablesItIsAFirstStart) {
  const auto order = TakeStartOrder();
  ASSERT_TRUE(order);
  EXPECT_EQ(order->kind, StartKind::kFirst);
  EXPECT_FALSE(order->state);
}

TEST_F(StartOrderTest, ASuccessorFindsTheStateAndNobodyElseSeesTheVariable) {
  ::setenv("UWSGI_HANDOVER_FD", FileWith({.reloads = 7}).c_str(), 1);
  const auto order = TakeStartOrder();
  ASSERT_TRUE(order) << order.error().text();
  EXPECT_EQ(order->kind, StartKind::kSuccessor);
  ASSERT_TRUE(order->state);
  EXPECT_EQ(order->state->reloads, 7);
  EXPECT_EQ(std::getenv("UWSGI_HANDOVER_FD"), nullptr);
}

TEST_F(StartOrderTest, WhatASuccessorStartsHasNoneOfItsDescriptors) {
  std::vector<UniqueFd> fds;
  const auto open = [&fds] { return fds.emplace_back(::dup(STDERR_FILENO)).get(); };
  const HandOver state{.log_outputs = {open(), open()},
                       .lifelines = {open()},
                       .inlets = {open()},
                       .queues = {{"1", open(), open()}},
                       .notes = {{"fifo", "", open()}}};
  ::setenv("UWSGI_HANDOVER_FD", FileWith(state).c_str(), 1);
  ASSERT_TRUE(TakeStartOrder());
  for (const UniqueFd& fd : fds)
    EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC) << &fd - fds.data();
}

TEST_F(StartOrderTest, ATrialIsTold) {
  ::setenv("UWSGI_HANDOVER_FD", FileWith({}).c_str(), 1);
  const int log = ::dup(STDERR_FILENO);
  ::setenv("UWSGI_TRIAL", std::to_string(log).c_str(), 1);
  const auto order = TakeStartOrder();
  ASSERT_TRUE(order);
  EXPECT_EQ(order->kind, StartKind::kTrial);
  EXPECT_EQ(order->trial_log.get(), log);
  EXPECT_EQ(std::getenv("UWSGI_TRIAL"), nullptr);
}

}  // namespace
}  // namespace uwsgi
