// SPDX-License-Identifier: Apache-2.0
#include "process/log_relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "process/fork.h"
#include "service/log_plan.h"
#include "testing/in_child.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

void Print(std::string_view text) {
  [[maybe_unused]] const Status written = WriteAll(STDOUT_FILENO, text);
}

struct LogRelayTest : testing::Test {
  void SetUp() override {
    spec.captured = true;
    spec.server.loggers.push_back(ParseLogger("file:" + path).value());
  }

  // In a process of its own, as descriptors 1 and 2 and the log's sinks change.
  template <typename F>
  int WithRelay(F&& body) {
    return InChild([&] {
      LogCounters counters;
      auto relay = LogRelay::Start({.log = &spec, .counters = &counters});
      if (!relay) return 1;
      const int status = body(**relay);
      relay->reset();
      return status;
    });
  }

  TempDir folder;
  std::string path = folder / "one.log";
  LogSpec spec;
};

TEST_F(LogRelayTest, WhatIsSaidAndPrintedArrivesInOrder) {
  EXPECT_EQ(WithRelay([](LogRelay&) {
              Print("printed\nbegun ");
              LogLine("said");
              LogRequestLines("request 1\nrequest 2\n");
              LogLine(std::string(10'000, 'x'));
              Print("and ended\nwithout an end");
              return 0;
            }),
            0);
  EXPECT_EQ(ReadFile(path).value(), "printed\nsaid\nrequest 1\nrequest 2\n" +
                                        std::string(10'000, 'x') +
                                        "\nbegun and ended\nwithout an end\n");
}

TEST_F(LogRelayTest, ChildrenSpeakForThemselves) {
  spec.json = true;
  EXPECT_EQ(WithRelay([](LogRelay& relay) {
              ForkSpec fork;
              fork.log = &relay;
              fork.log_as = "mule 1";
              fork.main = [](UniqueFd) {
                Print("from the child\n");
                return 0;
              };
              const auto forked = ForkChild(std::move(fork));
              char byte = 0;
              // Up to its end.
              ::fcntl(forked->reports.get(), F_SETFL, 0);
              return ::read(forked->reports.get(), &byte, 1) == 0 ? 0 : 1;
            }),
            0);
  const std::string text = ReadFile(path).value();
  EXPECT_NE(text.find(R"("process":"mule 1","worker":0,)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("message":"from the child")"), std::string::npos) << text;
}

TEST_F(LogRelayTest, DescriptorsAreWhatTheyWereAfterwards) {
  const std::string before = folder / "before.log";
  const UniqueFd file = OpenFile(before, O_WRONLY | O_CREAT).value();
  EXPECT_EQ(InChild([&] {
              ::dup2(file.get(), STDOUT_FILENO);
              ::dup2(file.get(), STDERR_FILENO);
              LogCounters counters;
              auto relay = LogRelay::Start({.log = &spec, .counters = &counters});
              if (!relay) return 1;
              LogLine("captured");
              relay->reset();
              LogLine("not captured");
              return 0;
            }),
            0);
  EXPECT_EQ(ReadFile(path).value(), "captured\n");
  EXPECT_EQ(ReadFile(before).value(), "not captured\n");
}

TEST_F(LogRelayTest, ALoggerThatCannotBeOpenedIsAnError) {
  spec.server.loggers = {ParseLogger("file:/no/such/folder/x.log").value()};
  EXPECT_EQ(InChild([&] {
              LogCounters counters;
              const auto relay = LogRelay::Start({.log = &spec, .counters = &counters});
              return relay ? 0 : 42;
            }),
            42);
}

}  // namespace
}  // namespace uwsgi
