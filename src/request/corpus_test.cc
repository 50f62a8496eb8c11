// SPDX-License-Identifier: Apache-2.0
// Sends the files of tests/wire (format: its README) through a connection; what an application sees
// of them is the affair of wire/corpus_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "testing/connection_harness.h"

namespace uwsgi {
namespace {

namespace fs = std::filesystem;

struct Case {
  std::string input;
  std::string outcome;
  size_t responses = 0;
};

Case Load(const fs::path& http) {
  fs::path expect = http;
  const std::string text = ReadFile(expect.replace_extension(".expect").string()).value();
  const auto lines = Split(text, '\n');
  Case loaded{ReadFile(http.string()).value(), std::string(lines.at(0))};
  loaded.responses = loaded.outcome == "incomplete" ? 0 : 1;
  for (const auto line : lines) {
    if (line.starts_with("responses: "))
      loaded.responses = static_cast<size_t>(ParseInt(line.substr(11)).value());
  }
  return loaded;
}

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

void Check(const Case& expected, ByteView input, size_t step, size_t ahead) {
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

class ConnectionCorpus : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    before_ = SetLogSink([](std::string_view) {});
  }
  void TearDown() override { SetLogSink(before_); }

 private:
  LogSink before_ = nullptr;
};

TEST_P(ConnectionCorpus, AnswersAsExpectedHoweverTheInputIsCut) {
  const Case expected = Load(GetParam());
  const std::string behind = "GET /ahead HTTP/1.1\r\nHost: ahead\r\n\r\n" + expected.input;
  const bool is_long = expected.input.size() > 5000;
  for (const size_t step : {expected.input.size(), is_long ? size_t{4999} : size_t{1}}) {
    SCOPED_TRACE(fmt::format("in pieces of {}", step));
    Check(expected, expected.input, step, 0);
    SCOPED_TRACE("behind another request");
    Check(expected, behind, step, 1);
  }
}

std::vector<fs::path> Files() {
  std::vector<fs::path> files;
  for (const char* const kind : {"valid", "invalid"}) {
    for (const auto& entry :
         fs::directory_iterator(fs::path(UWSGI_SOURCE_DIR) / "tests/wire" / kind)) {
      if (entry.path().extension() == ".http") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Wire, ConnectionCorpus, testing::ValuesIn(Files()), [](const auto& param) {
  return param.param.parent_path().filename().string() + "_" + param.param.stem().string();
});

}  // namespace
}  // namespace uwsgi
