// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <thread>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_json.h"
#include "base/log_output.h"
#include "base/unique_fd.h"

namespace uwsgi {
namespace {

// Descriptor 2 is something else as long as this lives.
class OtherStderr {
 public:
  explicit OtherStderr(int fd) : before_(::dup(STDERR_FILENO)) { Become(fd); }
  ~OtherStderr() { Become(before_.get()); }

 private:
  static void Become(int fd) {
    ::dup2(fd, STDERR_FILENO);
    LogOutputChanged();
  }
  UniqueFd before_;
};

struct LogOutput : testing::Test {
  void SetUp() override { SetLogCounters(&counters); }
  void TearDown() override {
    SetLogCounters(nullptr);
    SetLogStyle({});
  }

  static std::string ReadPipe(int fd) {
    std::string text(1 << 20, '\0');
    const ssize_t got = ::read(fd, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return text;
  }

  LogCounters counters;
};

FdPair MakeBlockingPipe() {
  FdPair pipe = MakePipe().value();
  ::fcntl(pipe.second.get(), F_SETFL, 0);
  return pipe;
}

TEST_F(LogOutput, LosesLinesRatherThanWaitForAReader) {
  const FdPair pipe = MakeBlockingPipe();
  const std::string lines = std::string(999, 'x') + "\n" + std::string(999, 'y') + "\n";
  const OtherStderr other(pipe.second.get());
  for (int i = 0; i < 100; ++i) LogRaw(lines);
  const uint64_t lost = counters.lost_lines.load();
  EXPECT_GT(lost, 100U);
  EXPECT_LT(lost, 190U);

  const std::string kept = ReadPipe(pipe.first.get());
  EXPECT_EQ(kept.size() % 1000, 0U) << "a line was torn";
  EXPECT_EQ(kept.size() / 1000 + lost, 200U);
  LogLine("again");
  const std::string rest = ReadPipe(pipe.first.get());
  EXPECT_TRUE(rest.starts_with("again\n")) << rest;
  EXPECT_NE(rest.find(fmt::format("*** {} log lines were lost: nobody read them ***\n", lost)),
            std::string::npos)
      << rest;
  LogLine("once");
  EXPECT_EQ(ReadPipe(pipe.first.get()), "once\n");
}

TEST_F(LogOutput, CountsWhatAFullDiskDoesNotTake) {
  const UniqueFd full(::open("/dev/full", O_WRONLY));
  ASSERT_TRUE(full.valid());
  {
    const OtherStderr other(full.get());
    LogLine("one");
    LogRaw("two\nthree\n");
  }
  EXPECT_EQ(counters.lost_lines.load(), 3U);
  EXPECT_NE(TakeLossReport().find("3 log lines were lost: No space left on device"),
            std::string::npos);
  EXPECT_EQ(TakeLossReport(), "");
}

TEST_F(LogOutput, WritesToSocketsWithoutWaiting) {
  const FdPair pair = MakeSocketPair(SOCK_STREAM).value();
  ::fcntl(pair.second.get(), F_SETFL, 0);
  const OtherStderr other(pair.second.get());
  LogLine("to a socket");
  EXPECT_EQ(ReadPipe(pair.first.get()), "to a socket\n");
}

TEST_F(LogOutput, EveryLineIsAnObjectWithLogJson) {
  SetLogStyle({.stamp_plain_lines = true, .json = true});
  SetLogOrigin({.process = "worker", .worker = 3});
  const FdPair pipe = MakePipe().value();
  {
    const OtherStderr other(pipe.second.get());
    LogDatedLine("a \"quote\"\x1b and \xff");
    LogRaw("two\nlines\n");
  }
  const std::string text = ReadPipe(pipe.first.get());
  std::vector<Json> lines;
  size_t at = 0;
  for (size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    lines.push_back(ParseJson(text.substr(at, end - at)).value());
  }
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["message"].text(), "a \"quote\"\x1b and \xef\xbf\xbd");
  EXPECT_EQ(lines[0]["process"].text(), "worker");
  EXPECT_EQ(lines[0]["worker"].integer(), 3);
  EXPECT_EQ(lines[0]["pid"].integer(), ::getpid());
  EXPECT_EQ(lines[0]["time"].text().size(), 27U);
  EXPECT_EQ(lines[2]["message"].text(), "lines");
}

TEST(LogLevel, IsReadFromTheLine) {
  EXPECT_EQ(LogLevelOf("spawned uWSGI worker 1"), "info");
  EXPECT_EQ(LogLevelOf("*** WARNING: you are running uWSGI as root"), "warning");
  EXPECT_EQ(LogLevelOf("DAMN ! worker 1 (pid: 3) died"), "error");
}

TEST(FrontLines, CutsBetweenLinesWhereItCan) {
  EXPECT_EQ(FrontLines("ab\ncd\n", 10), "ab\ncd\n");
  EXPECT_EQ(FrontLines("ab\ncd\n", 5), "ab\n");
  EXPECT_EQ(FrontLines("ab\ncd\n", 3), "ab\n");
  EXPECT_EQ(FrontLines("abcdef\n", 3), "abc");
}

// Somebody else fills the pipe between a look and the write.
TEST_F(LogOutput, APipeThatOthersFillMeanwhileHoldsNobody) {
  const FdPair pipe = MakePipe().value();
  ASSERT_GT(::fcntl(pipe.second.get(), F_SETPIPE_SZ, 4096), 0);
  ASSERT_EQ(::fcntl(pipe.second.get(), F_SETFL, 0), 0);  // as standard error is: it blocks
  std::atomic<bool> ends{false};
  const auto write = [&](std::atomic<int64_t>& attempts) {
    const std::string page(4096, 'x');
    for (; !ends; ++attempts) TryLogWrite(pipe.second.get(), LogFdKind::kPipe, page);
  };
  std::atomic<int64_t> of_one{0};
  std::atomic<int64_t> of_other{0};
  std::thread one(write, std::ref(of_one));
  std::thread other(write, std::ref(of_other));
  const auto goes_on = [](const std::atomic<int64_t>& attempts) {
    const int64_t before = attempts;
    const int64_t deadline = MonotonicMicros() + 20'000'000;
    while (attempts < before + 2 && MonotonicMicros() < deadline) std::this_thread::yield();
    return attempts >= before + 2;
  };
  bool go_on = true;
  for (int round = 0; round < 300 && go_on; ++round) {
    ReadPipe(pipe.first.get());
    go_on = goes_on(of_one) && goes_on(of_other);
  }
  EXPECT_TRUE(go_on);
  ends = true;
  ReadPipe(pipe.first.get());
  one.join();
  other.join();
}

// As containers do with calls that their filter does not know.
bool ForbidCall(int number) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(LogWrite, NeedsNoCallThatAFilterMayForbid) {
  const FdPair pipe = MakePipe().value();
  const pid_t child = ::fork();
  if (child == 0) {
    if (!ForbidCall(SYS_pwritev2)) ::_exit(2);
    ::_exit(TryLogWrite(pipe.second.get(), LogFdKind::kPipe, "a line\n") == 7 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace uwsgi
