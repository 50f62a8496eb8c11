// SPDX-License-Identifier: Apache-2.0
#include "service/spool_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "base/clock.h"
#include "base/file.h"
#include "service/running_note.h"
#include "service/spool_name.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

class SpoolDirTest : public testing::Test {
 protected:
  SpoolDirTest() {
    EXPECT_TRUE(dir_.Prepare(static_cast<uid_t>(-1), static_cast<gid_t>(-1)));
    EXPECT_TRUE(dir_.CheckUsable());
  }

  std::string Add(std::string_view value, const SpoolPlacement& placement = {}) {
    SpoolTask task;
    task.Set("value", value);
    return dir_.Enqueue(task, placement, false).value();
  }
  std::vector<std::string> Due(bool numbers = false) {
    return dir_.Scan(numbers, WallMicros()).value().due;
  }
  static void Put(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  static bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
  // What a process of its own gets when it tries.
  static bool ChildCanLockPosix(const std::string& path) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int fd = ::open(path.c_str(), O_RDWR);
      struct flock lock {};
      lock.l_type = F_WRLCK;
      ::_exit(::fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WEXITSTATUS(status) == 0;
  }

  [[nodiscard]] std::string TaskBelow(const std::string& path) const {
    return path.substr(dir_.path().size() + 1);
  }
  // `then` is done with the note before the process dies.
  void DieWhileRunning(
      const std::string& task,
      const std::function<void(const RunningNote&)>& then = [](const RunningNote&) {}) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto note = RunningNote::Create(dir_);
      note->Begin(task);
      then(*note);
      ::raise(SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
  }

  TempDir temp_;
  SpoolDir dir_{temp_ / "spool"};
};

TEST_F(SpoolDirTest, ATaskAppearsWholeAndPrivate) {
  const std::string path = Add("one");
  EXPECT_EQ(Due(), std::vector<std::string>{path});
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  const auto file = SpoolFile::Claim(path, WallMicros());
  ASSERT_TRUE(file && *file);
  EXPECT_EQ((*file)->Read()->Find("value"), "one");
}

TEST_F(SpoolDirTest, DurableTasksAreThereToo) {
  SpoolTask task;
  task.Set("a", "b");
  const auto path = dir_.Enqueue(task, {.priority = "3"}, true);
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, dir_.path() + "/3/" + path->substr(path->rfind('/') + 1));
}

TEST_F(SpoolDirTest, PrioritiesComeFirstInTheirOrder) {
  const std::string plain = Add("plain");
  const std::string named = Add("n", {.priority = "abc"});
  const std::string ten = Add("10", {.priority = "10"});
  const std::string two = Add("2", {.priority = "2"});
  EXPECT_EQ(Due(), (std::vector<std::string>{two, ten, named, plain}));
}

TEST_F(SpoolDirTest, OldestFirstWhoeverMadeThem) {
  Put(dir_.path() + "/uwsgi_spoolfile_on_h_1_1_5_200_0", "");
  Put(dir_.path() + "/uwsgi_spoolfile_on_h_2_1_5_100_0", "");
  const auto scan = dir_.Scan(false, WallMicros());
  ASSERT_EQ(scan->due.size(), 2U);
  EXPECT_TRUE(scan->due.front().ends_with("_100_0"));
  EXPECT_EQ(scan->oldest_s, 100);
}

TEST_F(SpoolDirTest, LaterTasksWait) {
  const int64_t at_s = WallMicros() / kSecond + 100;
  const std::string path = Add("later", {.at_s = at_s});
  const auto scan = dir_.Scan(false, WallMicros());
  EXPECT_TRUE(scan->due.empty());
  EXPECT_EQ(scan->later, 1);
  EXPECT_EQ(scan->next_us, at_s * kSecond);
  EXPECT_FALSE(*SpoolFile::Claim(path, WallMicros()));
  EXPECT_EQ(dir_.Scan(false, at_s * kSecond)->due.size(), 1U);
}

TEST_F(SpoolDirTest, NamesAloneTellWhatMayBeDue) {
  const std::string later = Add("later", {.at_s = WallMicros() / kSecond + 100});
  const std::string due = Add("due");
  const auto first = dir_.ScanNames(false, WallMicros(), {});
  EXPECT_EQ(first->due, (std::vector<std::string>{later, due}));
  const auto told = dir_.ScanNames(false, WallMicros(), {later});
  EXPECT_EQ(told->due, std::vector<std::string>{due});
  EXPECT_EQ(told->put_off, SpoolPaths{later});
  EXPECT_EQ(told->later, 1);
}

TEST_F(SpoolDirTest, WhatAProducerLeftThatDiedBeforeItWroteIsAbandoned) {
  const pid_t producer = ::fork();
  if (producer == 0) {
    Put(dir_.path() + "/" + NextSpoolName(), "");
    ::_exit(0);
  }
  const auto is_abandoned = [this] {
    const auto file = SpoolFile::Claim(Due().front(), WallMicros());
    return (*file)->IsAbandoned();
  };
  // It is not reaped yet.
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(producer), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_abandoned());
  ::waitpid(producer, nullptr, 0);
  EXPECT_TRUE(is_abandoned());
  Put(Due().front(), "x");
  EXPECT_FALSE(is_abandoned());
}

TEST_F(SpoolDirTest, OtherFilesAreNoTasks) {
  Put(dir_.path() + "/README", "hello");
  Put(dir_.path() + "/42", "");
  ASSERT_EQ(::mkdir((dir_.path() + "/uwsgi_spoolfile_on_dir").c_str(), 0700), 0);
  ASSERT_EQ(::mkfifo((dir_.path() + "/uwsgi_spoolfile_on_fifo").c_str(), 0700), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (dir_.path() + "/uwsgi_spoolfile_on_link").c_str()), 0);
  EXPECT_TRUE(Due().empty());
  EXPECT_EQ(Due(true).size(), 1U);
  EXPECT_FALSE(*SpoolFile::Claim(dir_.path() + "/uwsgi_spoolfile_on_link", WallMicros()));
}

TEST_F(SpoolDirTest, AClaimedTaskIsLockedForPosixLocksToo) {
  const std::string path = Add("x");
  {
    const auto mine = SpoolFile::Claim(path, WallMicros());
    ASSERT_TRUE(mine && *mine);
    EXPECT_FALSE(*SpoolFile::Claim(path, WallMicros()));
    EXPECT_TRUE(IsSpoolFileLocked(path));
    EXPECT_FALSE(ChildCanLockPosix(path));
    { std::ifstream reads_and_closes(path); }
    EXPECT_FALSE(ChildCanLockPosix(path)) << "lost when another descriptor was closed";
  }
  EXPECT_TRUE(ChildCanLockPosix(path));
}

TEST_F(SpoolDirTest, ATaskIsFoundFromItsOpenFolder) {
  const std::string path = Add("x");
  const UniqueFd folder(::open(dir_.path().c_str(), O_PATH | O_DIRECTORY));
  // Where the path leads to now there is nothing.
  ASSERT_EQ(::rename(dir_.path().c_str(), (temp_ / "moved").c_str()), 0);
  EXPECT_FALSE(*SpoolFile::Claim(path, WallMicros()));
  const auto task = SpoolFile::Claim(path, WallMicros(), folder.get());
  ASSERT_TRUE(task && *task);
  EXPECT_EQ((*task)->Read()->Find("value"), "x");
  EXPECT_TRUE((*task)->Remove());
  EXPECT_FALSE(*SpoolFile::Claim(path, WallMicros(), folder.get()));
}

TEST_F(SpoolDirTest, APosixLockKeepsUsOut) {
  const std::string path = Add("x");
  const int fd = ::open(path.c_str(), O_RDWR);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(fd, F_SETLK, &lock), 0);
  EXPECT_FALSE(*SpoolFile::Claim(path, WallMicros()));
  ::close(fd);
  EXPECT_TRUE(*SpoolFile::Claim(path, WallMicros()));
}

TEST_F(SpoolDirTest, TheFileOfADoneTaskServesTheNext) {
  const std::string path = Add("a long value that must not shine through");
  {
    const auto done = SpoolFile::Claim(path, WallMicros());
    ASSERT_TRUE(dir_.Recycle(**done, 3));
  }
  EXPECT_FALSE(Exists(path));
  EXPECT_TRUE(Due().empty());
  SpoolTask task;
  task.Set("k", "v");
  const std::string next = dir_.Enqueue(task, {}, true, 3).value();
  EXPECT_FALSE(Exists(dir_.path() + "/.spare/3"));
  const auto file = SpoolFile::Claim(next, WallMicros());
  ASSERT_TRUE(file && *file);
  EXPECT_EQ((*file)->Read()->fields, task.fields);
  EXPECT_TRUE(dir_.Enqueue(task, {}, true, 4)) << "there is no such spare";
}

TEST_F(SpoolDirTest, ASpareThatAnotherInstanceWritesToKeepsItsPlace) {
  const std::string spare = dir_.path() + "/.spare/3";
  Put(spare, "");
  {
    UniqueFd other(::open(spare.c_str(), O_WRONLY));
    ASSERT_TRUE(*LockWhole(other.get()));
    EXPECT_FALSE(dir_.Recycle(**SpoolFile::Claim(Add("x"), WallMicros()), 3));
    SpoolTask task;
    task.Set("k", "v");
    EXPECT_TRUE(dir_.Enqueue(task, {}, false, 3)) << "it takes a new file";
    EXPECT_TRUE(Exists(spare));
  }
  EXPECT_TRUE(dir_.Recycle(**SpoolFile::Claim(Add("x"), WallMicros()), 3)) << "it was left over";
}

TEST_F(SpoolDirTest, AFileThatOthersCanWriteIsNoSpare) {
  const std::string path = Add("x");
  ::chmod(path.c_str(), 0666);
  const auto file = SpoolFile::Claim(path, WallMicros());
  EXPECT_FALSE(dir_.Recycle(**file, 1));
  ::chmod(path.c_str(), 0600);
  ASSERT_EQ(::link(path.c_str(), (path + "x").c_str()), 0);
  EXPECT_FALSE(dir_.Recycle(**file, 1));
}

TEST_F(SpoolDirTest, AForkedChildDoesNotHoldTheLock) {
  const std::string path = Add("x");
  auto mine = SpoolFile::Claim(path, WallMicros());
  ASSERT_TRUE(mine && *mine);
  const auto socket = MakeSocketPair(SOCK_STREAM);
  ::fcntl(socket->first.get(), F_SETFL, 0);
  const pid_t child = ::fork();
  char byte = 0;
  if (child == 0) {
    [[maybe_unused]] const ssize_t told = ::write(socket->second.get(), "x", 1);
    for (;;) ::pause();
  }
  EXPECT_EQ(::read(socket->first.get(), &byte, 1), 1) << "the child is not past its fork";
  mine->reset();
  EXPECT_TRUE(*SpoolFile::Claim(path, WallMicros()));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(SpoolDirTest, AnEmptyFileIsUnfinishedAsLongAsItsProducerLives) {
  const auto is_unfinished = [](const std::string& path) {
    const auto file = SpoolFile::Claim(path, WallMicros());
    return (*file)->IsUnfinished(WallMicros() + 60 * kSecond);
  };
  const std::string ours = dir_.path() + "/" + NextSpoolName();
  const std::string of_others = dir_.path() + "/uwsgi_spoolfile_on_h_1_1_5_200_0";
  Put(ours, "");
  Put(of_others, "");
  EXPECT_TRUE(is_unfinished(ours));
  EXPECT_FALSE(is_unfinished(of_others)) << "who knows what lives on another host";
  Put(ours, "\x11");
  EXPECT_FALSE(is_unfinished(ours)) << "its producer writes all at once";
}

TEST_F(SpoolDirTest, AShortFileIsUnfinishedForAWhile) {
  const std::string path = dir_.path() + "/uwsgi_spoolfile_on_h_1_1_5_200_0";
  Put(path, "\x11");
  const auto file = SpoolFile::Claim(path, WallMicros());
  ASSERT_TRUE(file && *file);
  EXPECT_TRUE((*file)->IsUnfinished(WallMicros()));
  EXPECT_FALSE((*file)->IsUnfinished(WallMicros() + 60 * kSecond));
  EXPECT_FALSE((*file)->Read());
}

TEST_F(SpoolDirTest, SetAsideAndRestored) {
  SpoolTask task;
  task.Set("priority", "4");
  const std::string path = dir_.Enqueue(task, {.priority = "4"}, false).value();
  {
    const auto file = SpoolFile::Claim(path, WallMicros());
    ASSERT_TRUE(dir_.NoteAttempts((*file)->name(), {2, 1}));
    EXPECT_EQ(dir_.AttemptsOf((*file)->name()).deaths, 1);
    const auto moved = dir_.SetAside(**file, "Traceback: no\n");
    ASSERT_TRUE(moved);
    EXPECT_FALSE(Exists(path));
  }
  const auto failed = dir_.Failed().value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(dir_.ReasonOf(failed[0]), "Traceback: no\n");
  EXPECT_EQ(dir_.AttemptsOf(failed[0]).attempts, 0);
  EXPECT_TRUE(Due().empty());
  EXPECT_EQ(dir_.Restore(failed[0]).value(), path);
  EXPECT_EQ(Due(), std::vector<std::string>{path});
  EXPECT_TRUE(dir_.Failed()->empty());
  EXPECT_EQ(dir_.ReasonOf(failed[0]), "");
}

TEST_F(SpoolDirTest, PurgesWhatWasSetAside) {
  const std::string path = Add("x");
  ASSERT_TRUE(dir_.SetAside(**SpoolFile::Claim(path, WallMicros()), "no"));
  EXPECT_TRUE(dir_.Purge(dir_.Failed()->front()));
  EXPECT_TRUE(dir_.Failed()->empty());
}

TEST_F(SpoolDirTest, TwoOfOneNameAreBothSetAside) {
  const std::string path = dir_.path() + "/uwsgi_spoolfile_on_h_1_1_5_200_0";
  for (int i = 0; i < 2; ++i) {
    Put(path, "bad");
    ASSERT_TRUE(dir_.SetAside(**SpoolFile::Claim(path, INT64_MAX), "no"));
  }
  EXPECT_EQ(dir_.Failed()->size(), 2U);
}

TEST_F(SpoolDirTest, RemovesUnfinishedFilesOfTheDeadOnly) {
  const std::string path = dir_.path() + "/.new_uwsgi_spoolfile_on_h_1_1_5_200_0";
  Put(path, "half");
  EXPECT_EQ(dir_.RemoveUnfinished(WallMicros()), 0);
  EXPECT_EQ(dir_.RemoveUnfinished(WallMicros() + 120 * kSecond), 1);
  EXPECT_FALSE(Exists(path));
}

TEST_F(SpoolDirTest, AFullDiskLeavesNothing) {
  // Not even one byte may be written.
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_FSIZE, &none);
    SpoolTask task;
    task.Set("a", "b");
    const auto path = dir_.Enqueue(task, {}, false);
    ::_exit(!path && path.error().error_number == EFBIG ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Due().empty());
  EXPECT_EQ(dir_.RemoveUnfinished(INT64_MAX), 0);
}

TEST_F(SpoolDirTest, ANoteOutlivesItsProcessAndNamesItsTask) {
  const std::string task = TaskBelow(Add("x"));
  DieWhileRunning(task);
  EXPECT_EQ(RunningNote::Running(dir_), std::vector<std::string>{task});
  EXPECT_EQ(RunningNote::TakeDeaths(dir_, "another"), 0);
  EXPECT_EQ(RunningNote::TakeDeaths(dir_, task), 1);
  EXPECT_EQ(RunningNote::TakeDeaths(dir_, task), 0);
  EXPECT_TRUE(RunningNote::Running(dir_).empty());
}

TEST_F(SpoolDirTest, ANoteOfATaskThatIsGoneIsRemoved) {
  DieWhileRunning("gone");
  EXPECT_TRUE(RunningNote::Running(dir_).empty());
  EXPECT_EQ(RunningNote::TakeDeaths(dir_, "gone"), 0);
}

TEST_F(SpoolDirTest, EachDeathOfATaskCounts) {
  const std::string task = TaskBelow(Add("x"));
  DieWhileRunning(task);
  DieWhileRunning(task);
  EXPECT_EQ(RunningNote::TakeDeaths(dir_, task), 2);
}

TEST_F(SpoolDirTest, ANoteOfTheLivingStays) {
  const std::string task = TaskBelow(Add("x"));
  const auto note = RunningNote::Create(dir_);
  ASSERT_TRUE(note);
  note->Begin(task);
  EXPECT_EQ(RunningNote::Running(dir_), std::vector<std::string>{task});
  EXPECT_EQ(RunningNote::Living(dir_), std::vector<pid_t>{::getpid()});
  note->Remove();
  EXPECT_TRUE(RunningNote::Living(dir_).empty());
}

TEST_F(SpoolDirTest, ADeathThatWasForgivenIsNone) {
  const std::string task = TaskBelow(Add("x"));
  for (const bool ended : {false, true}) {
    DieWhileRunning(task,
                    [ended](const RunningNote& note) { ended ? note.End() : note.ForgiveDeath(); });
    EXPECT_TRUE(RunningNote::Running(dir_).empty());
    EXPECT_EQ(RunningNote::TakeDeaths(dir_, task), 0);
  }
}

}  // namespace
}  // namespace uwsgi
