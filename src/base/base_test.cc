// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/function.h"
#include "base/printable.h"
#include "base/strings.h"
#include "base/unique_fd.h"
#include "base/wait.h"

namespace uwsgi {
namespace {

TEST(Strings, TrimTakesBlanksOfBothEnds) { EXPECT_EQ(Trim(" \t a b\r\n"), "a b"); }

TEST(Strings, SplitKeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
}

TEST(Strings, ParseIntTakesDigitsOnly) {
  EXPECT_EQ(ParseInt("42"), 42);
  EXPECT_FALSE(ParseInt("42k"));
  EXPECT_FALSE(ParseInt("-1"));
  EXPECT_FALSE(ParseInt(""));
  EXPECT_FALSE(ParseInt("99999999999999999999"));
}

TEST(Strings, ReplaceAllDoesNotRescan) { EXPECT_EQ(ReplaceAll("aaa", "a", "aa"), "aaaaaa"); }

TEST(Strings, PrintableTextStaysOnOneLine) {
  EXPECT_EQ(Printable("a\nb\x1b[31m\x7f é"), "a\\x0ab\\x1b[31m\\x7f é");
}

TEST(UniqueFd, MovesAndCloses) {
  FdPair pipe = MakePipe().value();
  const int raw = pipe.first.get();
  UniqueFd moved = std::move(pipe.first);
  EXPECT_EQ(moved.get(), raw);
  EXPECT_FALSE(pipe.first.valid());  // NOLINT(bugprone-use-after-move)
}

// A signal that comes more often than the wait lasts neither ends it nor begins it anew.
TEST(Wait, LastsItsTimeWhateverSignalsCome) {
  const FdPair pipe = MakePipe().value();
  struct sigaction noted {};
  noted.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGALRM, &noted, &before), 0);
  const itimerval often{{0, 2000}, {0, 2000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  const int64_t started_us = MonotonicMicros();
  EXPECT_FALSE(AwaitReady(pipe.first.get(), POLLIN, 50));
  EXPECT_GE(MonotonicMicros() - started_us, 50'000);
  EXPECT_TRUE(AwaitReady(pipe.second.get(), POLLOUT, 0));
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST(Arena, LargeAndSmallPiecesLiveSideBySide) {
  Arena arena;
  const auto small = arena.Copy("small");
  const std::string big_text(10000, 'x');
  const auto big = arena.Copy(big_text);
  EXPECT_EQ(small, "small");
  EXPECT_EQ(big, big_text);
}

TEST(UniqueFunction, OwnsWhatCannotBeCopied) {
  auto owned = std::make_unique<int>(7);
  UniqueFunction<int(int)> add = [owned = std::move(owned)](int x) { return *owned + x; };
  EXPECT_EQ(add(1), 8);
}

Result<int> Twice(Result<int> in) { return 2 * TRY(std::move(in)); }

TEST(Result, TryPassesErrorsOn) {
  EXPECT_EQ(Twice(21).value(), 42);
  EXPECT_EQ(Twice(Fail("no {}", "luck")).error().text(), "no luck");
}

}  // namespace
}  // namespace uwsgi
