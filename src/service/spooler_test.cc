// SPDX-License-Identifier: Apache-2.0
#include "service/spooler.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "service/spool_name.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

using Round = Spooler::Round;
using Next = SpoolerCalls::Next;

std::string logged;
void TakeLine(std::string_view line) { logged += line; }

class SpoolerTest : public testing::Test {
 protected:
  SpoolerTest() : before_(SetLogSink(TakeLine)) { logged.clear(); }
  ~SpoolerTest() override { SetLogSink(before_); }

  void Start(SpoolersSpec spec = {}) {
    spec.directories = {{temp_ / "a", "a", false}, {temp_ / "b", "b", true}};
    SharedSize size;
    Spoolers::AddSize(size, spec);
    region_.emplace(SharedRegion::Create(size).value());
    all_.emplace(Spoolers::Create(*region_, spec).value());
    for (size_t i = 0; i < 2; ++i) {
      ASSERT_TRUE(all_->directory(i).Prepare(static_cast<uid_t>(-1), static_cast<gid_t>(-1)));
      ASSERT_TRUE(all_->directory(i).CheckUsable());
    }
  }
  Spooler MakeSpooler() {
    return Spooler(*all_, 0,
                   {.run =
                        [this](const SpoolTask& task, std::string_view) {
                          ran_.emplace_back(task.Find("value").value_or(""));
                          return act_(task);
                        },
                    .between = [this] { return next_; }});
  }
  std::string Add(const std::string& value, const std::string& key = "value",
                  const std::string& more = "value") {
    SpoolTask task;
    task.Set("value", value);
    task.Set(more, key == "value" ? value : key);
    return all_->Enqueue(task).value();
  }
  // Tasks put off are due again.
  void LetTimePass() {
    const SpoolDir dir = all_->directory(0);
    const auto late = dir.Scan(false, INT64_MAX);
    for (const std::string& path : late->due) ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  }
  void RunRounds(Spooler& spooler, int count) {
    for (int i = 0; i < count; ++i) {
      spooler.RunRound();
      LetTimePass();
    }
  }
  static bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
  SpoolDirSlot& shown() { return all_->directory_slot(0); }

  TempDir temp_;
  std::optional<SharedRegion> region_;
  std::optional<Spoolers> all_;
  std::vector<std::string> ran_;
  std::function<SpoolResult(const SpoolTask&)> act_ = [](const SpoolTask&) {
    return SpoolResult{SpoolVerdict::kDone, ""};
  };
  Next next_ = Next::kGoOn;
  LogSink before_;
};

TEST_F(SpoolerTest, RunsWhatIsThereAndRemovesIt) {
  Start();
  const std::string path = Add("1");
  Add("2");
  EXPECT_EQ(shown().waiting, 2);
  Spooler spooler = MakeSpooler();
  EXPECT_EQ(spooler.RunRound(), Round::kRan);
  EXPECT_EQ(ran_, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(Exists(path));
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(all_->slots()[0].helper.tasks, 2U);
  EXPECT_EQ(shown().waiting, 0);
  EXPECT_NE(logged.find("[spooler] written "), std::string::npos);
  EXPECT_NE(logged.find("managing request uwsgi_spoolfile_on_"), std::string::npos);
  EXPECT_NE(logged.find("done with task uwsgi_spoolfile_on_"), std::string::npos);
}

TEST_F(SpoolerTest, TasksOfLaterAreLearnedOnceAndRunInTime) {
  Start();
  const std::string path = Add("1", "4000000000", "at");
  Spooler spooler = MakeSpooler();
  EXPECT_EQ(spooler.RunRound(), Round::kRan) << "it looks again, and counts it rightly";
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(shown().waiting, 0);
  EXPECT_EQ(shown().later, 1);
  EXPECT_TRUE(ran_.empty());
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  EXPECT_EQ(spooler.RunRound(), Round::kRan);
  EXPECT_EQ(ran_.size(), 1U);
}

TEST_F(SpoolerTest, AnEmptyFileIsLookedAtAgainSoon) {
  Start();
  const std::string path = all_->directory(0).path() + "/" + NextSpoolName();
  std::ofstream(path).flush();
  Spooler spooler = MakeSpooler();
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_LE(spooler.wait_us(), 1000) << "its producer is about to write";
  EXPECT_TRUE(Exists(path));
}

TEST_F(SpoolerTest, SaysNothingWhenQuiet) {
  Start({.is_quiet = true});
  Add("1");
  MakeSpooler().RunRound();
  EXPECT_EQ(logged, "");
}

TEST_F(SpoolerTest, ARetryWaitsAndIsCounted) {
  Start({.frequency_s = 100});
  act_ = [](const SpoolTask&) { return SpoolResult{SpoolVerdict::kRetry, "no"}; };
  const std::string path = Add("1");
  Spooler spooler = MakeSpooler();
  EXPECT_EQ(spooler.RunRound(), Round::kRan);
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(ran_.size(), 1U);
  EXPECT_GT(spooler.wait_us(), 90'000'000);
  EXPECT_EQ(shown().later, 1);
  const std::string name = path.substr(path.rfind('/') + 1);
  EXPECT_EQ(all_->directory(0).AttemptsOf(name).attempts, 1);
  EXPECT_EQ(all_->slots()[0].failures, 1U);
  LetTimePass();
  act_ = [](const SpoolTask&) { return SpoolResult{SpoolVerdict::kDone, ""}; };
  EXPECT_EQ(spooler.RunRound(), Round::kRan);
  EXPECT_EQ(all_->directory(0).AttemptsOf(name).attempts, 0);
}

TEST_F(SpoolerTest, SetsAsideAfterTheLastAttempt) {
  Start({.max_attempts = 2});
  act_ = [](const SpoolTask&) { return SpoolResult{SpoolVerdict::kRetry, "Traceback\n"}; };
  const std::string path = Add("1");
  Spooler spooler = MakeSpooler();
  spooler.RunRound();
  LetTimePass();
  spooler.RunRound();
  EXPECT_FALSE(Exists(path));
  const auto failed = all_->directory(0).Failed().value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(all_->directory(0).ReasonOf(failed[0]), "Traceback\n");
  EXPECT_EQ(shown().failed, 1);
  EXPECT_NE(logged.find("was not done in 2 attempts: it is set aside as"), std::string::npos);
}

TEST_F(SpoolerTest, TasksThatRunForEverHaveNoLastAttempt) {
  Start({.max_attempts = 1});
  act_ = [](const SpoolTask&) { return SpoolResult{SpoolVerdict::kRetry, ""}; };
  const std::string path = Add("1", "-1", "ud_spool_ret");
  Spooler spooler = MakeSpooler();
  RunRounds(spooler, 3);
  EXPECT_EQ(ran_.size(), 3U);
  EXPECT_TRUE(Exists(path));
}

TEST_F(SpoolerTest, AGoodRunForgivesTasksThatRunForEver) {
  Start({.max_attempts = 2});
  act_ = [this](const SpoolTask&) {
    return SpoolResult{SpoolVerdict::kRetry, ran_.size() % 2 == 0 ? "no" : ""};
  };
  const std::string path = Add("1", "-1", "ud_spool_ret");
  Spooler spooler = MakeSpooler();
  RunRounds(spooler, 6);
  EXPECT_EQ(ran_.size(), 6U);
  EXPECT_TRUE(Exists(path));
}

TEST_F(SpoolerTest, AnIgnoredTaskStaysAsItIs) {
  Start();
  act_ = [](const SpoolTask&) { return SpoolResult{SpoolVerdict::kIgnored, ""}; };
  const std::string path = Add("1");
  struct stat was {
  }, is{};
  ::stat(path.c_str(), &was);
  Spooler spooler = MakeSpooler();
  spooler.RunRound();
  spooler.RunRound();
  EXPECT_EQ(ran_.size(), 1U);
  ::stat(path.c_str(), &is);
  EXPECT_EQ(was.st_mtim.tv_nsec, is.st_mtim.tv_nsec);
  EXPECT_EQ(all_->slots()[0].helper.tasks, 0U);
}

TEST_F(SpoolerTest, WhatIsNoTaskIsSetAsideUnread) {
  Start();
  const std::string path = all_->directory(0).path() + "/uwsgi_spoolfile_on_h_1_1_1_1_1";
  std::ofstream(path) << std::string("\x11\x03\x00\x00\x09\x00x", 7);
  Add("good");
  MakeSpooler().RunRound();
  EXPECT_EQ(ran_, std::vector<std::string>{"good"});
  EXPECT_FALSE(Exists(path));
  EXPECT_EQ(all_->directory(0).Failed()->size(), 1U);
  EXPECT_NE(logged.find("is no task: a key runs past the end"), std::string::npos);
}

TEST_F(SpoolerTest, ThreeDeathsSetATaskAside) {
  Start();
  const std::string path = Add("killer");
  for (int deaths = 0; deaths < 3; ++deaths) {
    LetTimePass();
    const pid_t child = ::fork();
    if (child == 0) {
      act_ = [](const SpoolTask&) {
        ::raise(SIGKILL);
        return SpoolResult();
      };
      MakeSpooler().RunRound();
      ::_exit(1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(Exists(path));
    MakeSpooler().RunRound();
    EXPECT_TRUE(ran_.empty()) << "a death puts it off";
  }
  EXPECT_FALSE(Exists(path));
  EXPECT_EQ(all_->directory(0).Failed()->size(), 1U);
  EXPECT_NE(logged.find("killed its process too often"), std::string::npos);
}

TEST_F(SpoolerTest, ADeathAfterTheStopSignalIsNotTheTasksFault) {
  Start();
  const std::string path = Add("slow");
  const pid_t child = ::fork();
  if (child == 0) {
    std::optional<Spooler> spooler;
    act_ = [&spooler](const SpoolTask&) {
      spooler->TellToEnd();
      ::raise(SIGKILL);
      return SpoolResult();
    };
    spooler.emplace(MakeSpooler());
    spooler->RunRound();
    ::_exit(1);
  }
  ::waitpid(child, nullptr, 0);
  MakeSpooler().RunRound();
  EXPECT_EQ(ran_, std::vector<std::string>{"slow"});
}

TEST_F(SpoolerTest, ADeathBetweenTasksIsNoTasksFault) {
  Start();
  const std::string done = Add("1");
  Add("2");
  const pid_t child = ::fork();
  if (child == 0) {
    Spooler dies(*all_, 0,
                 {.run =
                      [](const SpoolTask&, std::string_view) {
                        return SpoolResult{SpoolVerdict::kDone, ""};
                      },
                  .between =
                      [] {
                        ::raise(SIGKILL);
                        return Next::kGoOn;
                      }});
    dies.RunRound();
    ::_exit(1);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(Exists(done));
  MakeSpooler().RunRound();
  EXPECT_EQ(ran_, std::vector<std::string>{"2"});
  EXPECT_EQ(logged.find("died"), std::string::npos);
}

TEST_F(SpoolerTest, ASiblingCountsTheDeathBeforeItRunsTheTask) {
  Start({.processes = 2});
  Add("killer");
  Spooler sibling = MakeSpooler();  // was there before
  const pid_t child = ::fork();
  if (child == 0) {
    Spooler dies(*all_, 1,
                 {.run =
                      [](const SpoolTask&, std::string_view) {
                        ::raise(SIGKILL);
                        return SpoolResult();
                      },
                  .between = [] { return Next::kGoOn; }});
    dies.RunRound();
    ::_exit(1);
  }
  ::waitpid(child, nullptr, 0);
  sibling.RunRound();
  EXPECT_TRUE(ran_.empty());
  EXPECT_NE(logged.find("died (1 of 3)"), std::string::npos);
}

TEST_F(SpoolerTest, StopsBetweenTasks) {
  Start();
  Add("1");
  Add("2");
  next_ = Next::kStop;
  EXPECT_EQ(MakeSpooler().RunRound(), Round::kStopped);
  EXPECT_EQ(ran_.size(), 1U);
}

TEST_F(SpoolerTest, BeginsNothingWhenItIsToldToEndBeforeTheRound) {
  Start();
  Add("1");
  Spooler spooler = MakeSpooler();
  spooler.TellToEnd();
  EXPECT_EQ(spooler.RunRound(), Round::kStopped);
  EXPECT_TRUE(ran_.empty());
}

TEST_F(SpoolerTest, ARoundThatRunsNothingTakesNoWakeUp) {
  Start({.processes = 2});
  const std::string path = Add("1");
  const auto taken = SpoolFile::Claim(path, WallMicros());  // a sibling is at it
  ASSERT_TRUE(taken && *taken);
  int asked = 0;
  Spooler spooler(*all_, 0,
                  {.run =
                       [](const SpoolTask&, std::string_view) {
                         return SpoolResult{SpoolVerdict::kDone, ""};
                       },
                   .between =
                       [&asked] {
                         ++asked;
                         return Next::kLookAgain;
                       }});
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(asked, 0);
}

TEST_F(SpoolerTest, EndsAfterTheLastTaskItMayRun) {
  Start({.max_tasks = 2});
  Add("1");
  Add("2");
  Add("3");
  EXPECT_EQ(MakeSpooler().RunRound(), Round::kUsedUp);
  EXPECT_EQ(ran_.size(), 2U);
  EXPECT_NE(logged.find("maximum number of tasks reached (2) recycling ..."), std::string::npos);
}

TEST_F(SpoolerTest, RunsTasksWhereTheyLie) {
  Start();
  std::string where;
  act_ = [&where](const SpoolTask&) {
    char path[4096];
    where = ::getcwd(path, sizeof path);
    return SpoolResult{SpoolVerdict::kDone, ""};
  };
  Add("1", "5", "priority");
  MakeSpooler().RunRound();
  EXPECT_EQ(where, all_->directory(0).path() + "/5");
}

TEST_F(SpoolerTest, ATaskThatGoesElsewhereDoesNotTakeTheNextAlong) {
  Start();
  std::vector<std::string> where;
  act_ = [&where](const SpoolTask&) {
    char path[4096];
    where.emplace_back(::getcwd(path, sizeof path));
    EXPECT_EQ(::chdir("/"), 0);
    return SpoolResult{SpoolVerdict::kDone, ""};
  };
  Add("1", "5", "priority");
  Add("2");
  Add("3");
  MakeSpooler().RunRound();
  const std::string top = all_->directory(0).path();
  EXPECT_EQ(where, (std::vector<std::string>{top + "/5", top, top}));
}

TEST_F(SpoolerTest, GoesOnWhenTheDirectoryIsGone) {
  Start();
  Spooler spooler = MakeSpooler();
  std::filesystem::remove_all(all_->directory(0).path());
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(spooler.RunRound(), Round::kIdle);
  EXPECT_EQ(logged.find("No such file"), logged.rfind("No such file"));
}

TEST_F(SpoolerTest, FindsDirectoriesByEitherName) {
  Start();
  SpoolTask task;
  task.Set("spooler", "b");
  EXPECT_TRUE(all_->Enqueue(task)->starts_with(all_->directory(1).path()));
  task.Set("spooler", all_->directory(1).path());
  EXPECT_TRUE(all_->Enqueue(task));
  task.Set("spooler", "c");
  EXPECT_FALSE(all_->Enqueue(task));
  EXPECT_NE(logged.find("[uwsgi-spooler] unable to find spooler \"c\""), std::string::npos);
}

TEST_F(SpoolerTest, RemoteTasksAreRefusedUnlessAllowedAndWithoutPickles) {
  const std::string plain("\x01\x00k\x01\x00v", 6);
  const std::string pickled(
      "\x04\x00"
      "args\x01\x00v",
      9);
  Start();
  EXPECT_FALSE(all_->EnqueueRemote(plain));
  Start({.takes_remote = true});
  EXPECT_TRUE(all_->EnqueueRemote(plain));
  EXPECT_FALSE(all_->EnqueueRemote(pickled));
  EXPECT_FALSE(all_->EnqueueRemote("\x09\x00"));
  EXPECT_FALSE(all_->EnqueueRemote(""));
}

TEST_F(SpoolerTest, OneIdleProcessIsWokenForOneTask) {
  Start({.processes = 3});
  for (SpoolerSlot& slot : all_->SlotsOf(0)) slot.wants_wake = true;
  all_->slots()[0].helper.pid = 0;  // not running
  sigset_t usr1;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
  all_->slots()[1].helper.pid = ::getpid();
  all_->slots()[2].helper.pid = ::getpid();
  Add("1");
  const timespec now{};
  EXPECT_EQ(::sigtimedwait(&usr1, nullptr, &now), SIGUSR1);
  EXPECT_FALSE(all_->slots()[1].wants_wake);
  EXPECT_TRUE(all_->slots()[2].wants_wake);
}

}  // namespace
}  // namespace uwsgi
