// SPDX-License-Identifier: Apache-2.0
#include "process/pidfile.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "testing/in_child.h"

namespace uwsgi {
namespace {

class PidfileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "pidfile-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    before_ = SetLogSink([](std::string_view) {});
  }
  void TearDown() override {
    SetLogSink(before_);
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/test.pid"; }
  void Write(std::string_view text) { ASSERT_TRUE(WriteFileAtomically(path(), text)); }

  std::string folder_;
  LogSink before_ = nullptr;
};

TEST_F(PidfileTest, ReadsBackWhatItWrote) {
  ASSERT_TRUE(WritePidfile(path()));
  EXPECT_EQ(ReadFile(path()).value(), std::to_string(::getpid()) + "\n");
  EXPECT_EQ(ReadPidfile(path()).value(), ::getpid());
}

TEST_F(PidfileTest, ItsModeDoesNotDependOnTheUmask) {
  const mode_t before = ::umask(0);
  const auto written = WritePidfile(path());
  ::umask(before);
  ASSERT_TRUE(written);
  struct stat file {};
  ASSERT_EQ(::stat(path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0644U);
}

TEST(ParsePid, AcceptsOneNumberAboveOne) {
  EXPECT_EQ(ParsePid("4242\n").value(), 4242);
  EXPECT_EQ(ParsePid(" 2 ").value(), 2);
}

TEST(ParsePid, RefusesWhatWouldReachOthers) {
  for (const char* text :
       {"", "\n", "0", "1", "-1", "-4242", "42 43", "42x", "99999999999999", "4.2"}) {
    EXPECT_FALSE(ParsePid(text)) << '"' << text << '"';
  }
}

TEST_F(PidfileTest, AnEmptyFileIsAnErrorAndSignalsNobody) {
  Write("");
  const auto sent = SignalPidfile(path(), SIGTERM);
  ASSERT_FALSE(sent);
  EXPECT_NE(sent.error().message.find(path()), std::string::npos);
}

TEST_F(PidfileTest, AFifoIsAnErrorAndKeepsNobodyWaiting) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(
      InChild([&] {
        ::alarm(20);
        return ReadPidfile(path()) || RemovePidfile(path(), ::getpid()) || WritePidfile(path()) ? 1
                                                                                                : 0;
      }),
      0);
}

TEST_F(PidfileTest, AProcessThatIsGoneIsAnError) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  Write(std::to_string(child));
  const auto pid = ReadPidfile(path());
  ASSERT_FALSE(pid);
  EXPECT_NE(pid.error().message.find("not running"), std::string::npos);
}

TEST_F(PidfileTest, AMissingFileIsAnErrorThatNamesIt) {
  const auto pid = ReadPidfile(path());
  ASSERT_FALSE(pid);
  EXPECT_NE(pid.error().text().find(path()), std::string::npos);
}

TEST_F(PidfileTest, SignalsTheProcessInTheFile) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  Write(std::to_string(child));
  EXPECT_TRUE(SignalPidfile(path(), SIGKILL));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(PidfileTest, RemovesOnlyAFileThatHoldsThePid) {
  Write("4242");
  EXPECT_FALSE(RemovePidfile(path(), 4243));
  EXPECT_TRUE(std::filesystem::exists(path()));
  EXPECT_TRUE(RemovePidfile(path(), 4242));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(PidfileTest, GivesAFileBackToTheLivingOnly) {
  ASSERT_TRUE(WritePidfile(path()));
  GiveBackPidfile(path(), ::getppid());
  EXPECT_EQ(ReadFile(path()).value(), std::to_string(::getppid()) + "\n");
  GiveBackPidfile(path(), 0);  // is not ours any more
  EXPECT_TRUE(std::filesystem::exists(path()));
  ASSERT_TRUE(WritePidfile(path()));
  const pid_t gone = ::fork();
  if (gone == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  GiveBackPidfile(path(), gone);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace uwsgi
