// SPDX-License-Identifier: Apache-2.0
#include "service/log_frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace uwsgi {
namespace {

struct LogSplitterTest : testing::Test {
  using Lines = std::vector<std::string>;

  // What the bytes are, fed in pieces of this size.
  Lines Split(std::string_view bytes, size_t piece, size_t limit = 100) {
    Lines lines;
    LogSplitter splitter(token, limit, [&](LogStream stream, std::string_view line) {
      constexpr std::string_view kLetters = "osr";
      lines.push_back(std::string(1, kLetters[static_cast<size_t>(stream)]) + ":" +
                      std::string(line));
    });
    for (size_t at = 0; at < bytes.size(); at += piece) splitter.Feed(bytes.substr(at, piece));
    splitter.Finish();
    return lines;
  }
  [[nodiscard]] std::string Frame(std::string_view payload, LogFrameSpec spec = {}) const {
    return EncodeLogFrame(token, spec, payload);
  }

  std::string token = MakeLogToken();
};

TEST_F(LogSplitterTest, TakesLinesAndFramesApartWhateverThePieces) {
  const std::string bytes = "first\nbegun" + Frame("server\n") +
                            Frame("r1\nr2\n", {.stream = LogStream::kRequests}) + " ended\n\nlast";
  const Lines expected = {"o:first", "s:server", "r:r1", "r:r2", "o:begun ended", "o:", "o:last"};
  for (size_t piece = 1; piece < bytes.size(); ++piece) EXPECT_EQ(Split(bytes, piece), expected);
}

TEST_F(LogSplitterTest, JoinsALineOfSeveralFrames) {
  const std::string bytes = Frame("long ", {.has_more = true}) + "x" +
                            Frame("line\n", {.continues = true}) +
                            Frame("lost end", {.has_more = true}) + Frame("whole\n");
  EXPECT_EQ(Split(bytes, 7), (Lines{"s:long line", "s:whole", "o:x"}));
}

TEST_F(LogSplitterTest, BreaksLongLinesBetweenCharacters) {
  EXPECT_EQ(Split("abcdefgh\n", 3, 4), (Lines{"o:abcd", "o:efgh"}));
  EXPECT_EQ(Split("abcdefgh\n", 100, 4), (Lines{"o:abcd", "o:efgh"}));
  EXPECT_EQ(Split("abc\xc3\xa9xy\n", 100, 4), (Lines{"o:abc", "o:\xc3\xa9xy"}));
  EXPECT_EQ(Split("abcd\n", 100, 4), (Lines{"o:abcd"}));
}

TEST_F(LogSplitterTest, ATokenAloneIsText) {
  std::string frame = Frame("x\n");
  frame[kLogTokenBytes + 3] = '\x7f';  // a size that no frame has
  const Lines lines = Split(frame + "next\n", 5);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1], "o:next");
  EXPECT_EQ(Split(token.substr(0, 5), 1), (Lines{"o:" + token.substr(0, 5)}));
}

TEST_F(LogSplitterTest, ATokenEndsNoLine) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(MakeLogToken().find('\n'), std::string::npos);
}

TEST_F(LogSplitterTest, TokensOfInstancesDiffer) { EXPECT_NE(MakeLogToken(), MakeLogToken()); }

}  // namespace
}  // namespace uwsgi
