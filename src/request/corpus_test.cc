// SPDX-License-Identifier: Apache-2.0
// Sends the files of tests/wire (format: its README) through a connection; what an application sees
// of them is the affair of wire/corpus_test.cc.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/log.h"
#include "testing/connection_harness.h"
#include "testing/wire_corpus.h"

namespace uwsgi {
namespace {

// The statuses of all final responses.
std::vector<std::string> StatusesOf(std::string_view answers) {
  std::vector<std::string> statuses;
  for (size_t at = answers.find("HTTP/1."); at != std::string_view::npos;
       at = answers.find("HTTP/1.", at + 1)) {
    const auto status = answers.substr(at + 9, 3);
    if (status != "100") statuses.emplace_back(status);
  }
  return statuses;
}

void Check(const WireCase& expected, ByteView input, size_t step, size_t ahead) {
  RequestSpec spec;
  spec.post_buffering = true;
  ConnectionHarness harness(
      [](Request&, Response& response) {
        ASSERT_TRUE(response.Start("200 OK"));
        response.SetBodyLength(2);
        response.Write("ok", {});
      },
      spec);
  std::string answers;
  while (!input.empty() && !harness.is_over()) {
    const size_t sent = harness.Send(input.substr(0, step));
    input.remove_prefix(sent);
    harness.Pump();
    answers += harness.Receive();
    if (harness.connection().phase() == Phase::kLingering) break;
  }
  const bool closes = harness.is_over() || harness.connection().phase() == Phase::kLingering;
  const bool waits = harness.connection().phase() == Phase::kIdle;
  harness.HalfClose();
  harness.Pump();
  answers += harness.Receive();
  EXPECT_TRUE(harness.is_over());
  EXPECT_FALSE(harness.saw_reset);
  const auto statuses = StatusesOf(answers);
  ASSERT_EQ(statuses.size(), expected.responses + ahead) << answers.substr(0, 500);
  if (expected.outcome == "incomplete") {
    EXPECT_FALSE(closes || waits);
    return;
  }
  EXPECT_EQ(statuses.back(), expected.outcome.substr(0, 3));
  EXPECT_EQ(closes, expected.outcome.ends_with("close"));
}

class ConnectionCorpus : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    before_ = SetLogSink([](std::string_view) {});
  }
  void TearDown() override { SetLogSink(before_); }

 private:
  LogSink before_ = nullptr;
};

TEST_P(ConnectionCorpus, AnswersAsExpectedHoweverTheInputIsCut) {
  const WireCase expected = LoadWireCase(GetParam());
  const std::string behind = "GET /ahead HTTP/1.1\r\nHost: ahead\r\n\r\n" + expected.input;
  const bool is_long = expected.input.size() > 5000;
  for (const size_t step : {expected.input.size(), is_long ? size_t{4999} : size_t{1}}) {
    SCOPED_TRACE(fmt::format("in pieces of {}", step));
    Check(expected, expected.input, step, 0);
    SCOPED_TRACE("behind another request");
    Check(expected, behind, step, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Wire, ConnectionCorpus, testing::ValuesIn(WireCaseFiles()), WireCaseName);

}  // namespace
}  // namespace uwsgi
