// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "config/loader.h"
#include "net/signal_source.h"
#include "process/banner.h"
#include "process/child_table.h"
#include "process/daemonize.h"
#include "process/fork.h"
#include "process/lifeline.h"
#include "process/master_signals.h"
#include "process/messages.h"
#include "process/privileges.h"
#include "process/process_plan.h"
#include "process/process_title.h"
#include "runtime/echo_runtime.h"

namespace uwsgi {
namespace {

int ExitedWith(int code) { return code << 8; }

TEST(Messages, HaveTheShapeThatScriptsLookFor) {
  EXPECT_EQ(message::MasterSpawned(7), "spawned uWSGI master process (pid: 7)");
  EXPECT_EQ(message::MasterRespawned(7), "gracefully (RE)spawned uWSGI master process (pid: 7)");
  EXPECT_EQ(message::WorkerSpawned(2, 9, 4), "spawned uWSGI worker 2 (pid: 9, cores: 4)");
  EXPECT_EQ(message::OnlyWorkerSpawned(9, 1),
            "spawned uWSGI worker 1 (and the only) (pid: 9, cores: 1)");
  EXPECT_EQ(message::WorkerRespawned(2, 9), "Respawned uWSGI worker 2 (new pid: 9)");
  EXPECT_EQ(message::WorkerBuried(2, 3), "worker 2 buried after 3 seconds");
  EXPECT_EQ(message::WorkerKilled(2, 9), "worker 2 killed successfully (pid: 9)");
}

TEST(Messages, ADeathShowsItsSignalOrItsExitCode) {
  EXPECT_EQ(message::WorkerDied(1, 9, SIGKILL),
            "DAMN ! worker 1 (pid: 9) died, killed by signal 9 :( trying respawn ...");
  EXPECT_EQ(message::WorkerDied(1, 9, ExitedWith(3)),
            "DAMN ! worker 1 (pid: 9) died, exit code 3 :( trying respawn ...");
}

TEST(MasterSignals, StopSignalsStopAndHangupReloads) {
  EXPECT_EQ(CommandOf(SIGTERM), MasterCommand::kStop);
  EXPECT_EQ(CommandOf(SIGINT), MasterCommand::kStopPromptly);
  EXPECT_EQ(CommandOf(SIGQUIT), MasterCommand::kStopPromptly);
  EXPECT_EQ(CommandOf(SIGHUP), MasterCommand::kReload);
  EXPECT_EQ(CommandOf(SIGUSR1), MasterCommand::kDump);
  EXPECT_EQ(CommandOf(SIGUSR2), MasterCommand::kIgnore);
}

TEST(MasterSignals, OnlyTheStopOfATerminalPauses) {
  EXPECT_EQ(CommandOf(SIGTSTP), MasterCommand::kTogglePause);
  EXPECT_EQ(CommandOf(QueuedSignal(SIGTSTP, kPauseValue)), MasterCommand::kPause);
  EXPECT_EQ(CommandOf(QueuedSignal(SIGTSTP, kResumeValue)), MasterCommand::kResume);
  for (const int signal : {SIGURG, SIGWINCH, SIGCONT, QueuedSignal(SIGUSR1, kPauseValue)}) {
    EXPECT_EQ(CommandOf(signal), MasterCommand::kIgnore) << signal;
  }
}

TEST(Privileges, FindUsersByNameAndNumber) {
  EXPECT_EQ(FindUser("root").value().uid, 0U);
  EXPECT_EQ(FindUser("0").value().name, "root");
  EXPECT_EQ(FindUser("54321").value().uid, 54321U);
  EXPECT_FALSE(FindUser("54321").value().gid);
  EXPECT_FALSE(FindUser("no such user"));
}

TEST(Privileges, FindGroupsByNameAndNumber) {
  EXPECT_EQ(FindGroup("root").value(), 0U);
  EXPECT_EQ(FindGroup("54321").value(), 54321U);
  EXPECT_FALSE(FindGroup("no such group"));
  EXPECT_FALSE(FindGroup("-1"));
}

TEST(Privileges, TheNumberThatMeansUnchangedIsNoUser) { EXPECT_FALSE(FindUser("4294967295")); }

TEST(Privileges, AnUnknownUserIsAnErrorThatNamesTheOption) {
  const auto dropped = DropPrivileges({.user = "no such user"});
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().message.rfind("uid", 0), 0U);
}

TEST(Titles, AreComposedOfPrefixNameAndSuffix) {
  const TitleSpec spec{.enabled = true, .prefix = "my ", .suffix = "!"};
  EXPECT_EQ(ComposeTitle(spec, "uWSGI worker 1", false), "my uWSGI worker 1!");
}

TEST(Titles, TheMasterMayHaveANameOfItsOwn) {
  const TitleSpec spec{.enabled = true, .name = "all", .master_name = "boss"};
  EXPECT_EQ(ComposeTitle(spec, "uWSGI master", true), "boss");
  EXPECT_EQ(ComposeTitle(spec, "uWSGI worker 1", false), "all");
}

TEST(Titles, AreEmptyUnlessAskedFor) { EXPECT_EQ(ComposeTitle({}, "uWSGI master", true), ""); }

TEST(Banner, NamesTheMode) {
  EXPECT_EQ(OperationalMode(1, 1), "single process");
  EXPECT_EQ(OperationalMode(4, 1), "preforking");
  EXPECT_EQ(OperationalMode(1, 2), "threaded");
  EXPECT_EQ(OperationalMode(4, 2), "preforking+threaded");
}

TEST(LaunchReport, AReadyDaemonIsASuccess) {
  const LaunchOutcome outcome = DecodeLaunchReport("R", "app.log");
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(outcome.message, "");
}

TEST(LaunchReport, AFailureKeepsItsExitCodeAndText) {
  const LaunchOutcome outcome =
      DecodeLaunchReport(EncodeLaunchFailure({.message = "no app", .exit_code = 22}), "app.log");
  EXPECT_EQ(outcome.exit_status, 22);
  EXPECT_EQ(outcome.message, "no app (more is in app.log)");
}

TEST(LaunchReport, ADaemonThatSaysNothingHasFailed) {
  const LaunchOutcome outcome = DecodeLaunchReport("", "app.log");
  EXPECT_NE(outcome.exit_status, 0);
  EXPECT_NE(outcome.message.find("app.log"), std::string::npos);
}

TEST(ChildTable, FindsByPidAndByPlace) {
  ChildTable table;
  table.Add(ChildKind::kWorker, 1);
  table.Add(ChildKind::kWorker, 2).pid = 4242;
  table.Add(ChildKind::kPredecessor, 2).pid = 4243;
  EXPECT_EQ(table.FindPid(4243)->kind, ChildKind::kPredecessor);
  EXPECT_EQ(table.Find(ChildKind::kWorker, 2)->pid, 4242);
  EXPECT_EQ(table.FindPid(0), nullptr) << "a place without a process is nobody";
  EXPECT_EQ(table.CountProcesses(), 2);
  EXPECT_EQ(table.CountProcesses(ChildKind::kWorker), 1);
}

TEST(ChildTable, ForgetsOnlyVacantPredecessors) {
  ChildTable table;
  Child& worker = table.Add(ChildKind::kWorker, 1);
  table.Add(ChildKind::kPredecessor, 1);
  table.ForgetPredecessors();
  EXPECT_EQ(table.Find(ChildKind::kPredecessor, 1), nullptr);
  EXPECT_EQ(table.Find(ChildKind::kWorker, 1), &worker);
}

TEST(Fork, TellsTheLanguageOnBothSidesAndPassesTheStatusOn) {
  EchoRuntime runtime;
  auto forked = ForkChild({.runtime = &runtime, .main = [&runtime](UniqueFd) {
                             return runtime.before_fork == 1 && runtime.after_fork_child == 1 &&
                                            runtime.after_fork_parent == 0
                                        ? 17
                                        : 1;
                           }});
  ASSERT_TRUE(forked);
  EXPECT_EQ(runtime.before_fork, 1);
  EXPECT_EQ(runtime.after_fork_parent, 1);
  EXPECT_EQ(runtime.after_fork_child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(forked->pid, &status, 0), forked->pid);
  EXPECT_EQ(WEXITSTATUS(status), 17);
}

TEST(Fork, TheParentHearsWhatTheChildReports) {
  auto forked =
      ForkChild({.main = [](UniqueFd reports) { return WriteAll(reports.get(), "r") ? 0 : 1; }});
  ASSERT_TRUE(forked);
  ASSERT_EQ(::waitpid(forked->pid, nullptr, 0), forked->pid);
  EXPECT_EQ(ReadAll(forked->reports.get()).value(), "r");
}

TEST(Fork, AProgramStartsInItsDirectoryWithItsEnvironment) {
  auto pipe = MakePipe();
  ASSERT_TRUE(pipe);
  auto pid = SpawnProgram({.path = "/bin/sh",
                           .argv = {"sh", "-c", "echo $PWD $WORD"},
                           .environment = {"WORD=hello"},
                           .directory = "/",
                           .output = pipe->second.get()});
  ASSERT_TRUE(pid);
  int status = 0;
  ASSERT_EQ(::waitpid(*pid, &status, 0), *pid);
  pipe->second.Reset();
  EXPECT_EQ(ReadAll(pipe->first.get()).value(), "/ hello\n");
}

TEST(Fork, AProgramThatCannotBeStartedSaysWhy) {
  auto pipe = MakePipe();
  ASSERT_TRUE(pipe);
  auto pid = SpawnProgram({.path = "/nonexistent", .argv = {"x"}, .output = pipe->second.get()});
  ASSERT_TRUE(pid);
  int status = 0;
  ASSERT_EQ(::waitpid(*pid, &status, 0), *pid);
  pipe->second.Reset();
  EXPECT_NE(WEXITSTATUS(status), 0);
  EXPECT_EQ(ReadAll(pipe->first.get()).value(), "/nonexistent: No such file or directory\n");
}

TEST(Lifeline, IsAtItsEndOnlyWhenNobodyHoldsTheOtherEnd) {
  auto lifeline = Lifeline::Create();
  ASSERT_TRUE(lifeline);
  char byte = 0;
  EXPECT_EQ(::read(lifeline->read_end(), &byte, 1), -1) << "somebody holds it: nothing to read yet";
  lifeline->LetGo();
  EXPECT_EQ(::read(lifeline->read_end(), &byte, 1), 0);
}

TEST(Lifeline, TellsOfTheEndOfAProcessThoughSomebodyElseKeepsThePipe) {
  const pid_t parent = ::fork();
  if (parent == 0) {
    for (;;) ::pause();
  }
  auto lifeline = Lifeline::Create();
  ASSERT_TRUE(lifeline);
  pollfd watched{lifeline->WatchInChild(parent), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 0), 0);
  ASSERT_EQ(::kill(parent, SIGKILL), 0);
  EXPECT_EQ(::poll(&watched, 1, 10'000), 1);
  ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
}

ProcessSpec PlanOf(std::vector<std::string> words) {
  words.insert(words.begin(), "uwsgi");
  const auto options = LoadOptions({.argv = std::move(words)});
  EXPECT_TRUE(options) << options.error().text();
  const auto spec = PlanProcesses(*options);
  EXPECT_TRUE(spec) << spec.error().text();
  return *spec;
}

TEST(ProcessPlan, ReadsMercyInSeconds) {
  const ProcessSpec spec = PlanOf({"--worker-reload-mercy=7", "--reload-mercy=2", "--harakiri=3"});
  EXPECT_EQ(spec.supervision.worker_mercy_us, 7'000'000);
  EXPECT_EQ(spec.supervision.prompt_mercy_us, 2'000'000);
  EXPECT_EQ(spec.supervision.harakiri_us, 3'000'000);
}

TEST(ProcessPlan, TheSpacedPrefixHasItsBlank) {
  EXPECT_EQ(ComposeTitle(PlanOf({"--procname-prefix-spaced=test"}).supervision.titles,
                         "uWSGI master", true),
            "test uWSGI master");
}

LogStyle StyleOf(std::string word) {
  const auto options = LoadOptions({.argv = {"uwsgi", std::move(word)}});
  EXPECT_TRUE(options) << options.error().text();
  return PlanLogStyle(*options);
}

TEST(ProcessPlan, LinesAreStampedWhenAskedFor) {
  EXPECT_FALSE(StyleOf("--master").stamp_plain_lines);
  EXPECT_TRUE(StyleOf("--log-date").stamp_plain_lines);
  EXPECT_EQ(StyleOf("--log-date").stamp_format, "");
  EXPECT_EQ(StyleOf("--log-date=%Y").stamp_format, "%Y");
  EXPECT_EQ(StyleOf("--log-prefix=PFX").stamp_format, "PFX");
}

TEST(ProcessPlan, OwnersOfSocketsAreSetByRoot) {
  const auto drop_point = [](std::vector<std::string> args) {
    return PlanOf(std::move(args)).start_up.identity.drop_point;
  };
  EXPECT_EQ(drop_point({"--uid=root"}), DropPoint::kBeforeBind);
  EXPECT_EQ(drop_point({"--chown-socket=root"}), DropPoint::kAfterBind);
  EXPECT_EQ(drop_point({"--drop-after-init", "--chown-socket=root"}), DropPoint::kAfterInit);
  EXPECT_EQ(drop_point({"--drop-after-apps"}), DropPoint::kAfterApps);
  EXPECT_EQ(drop_point({"--master-as-root", "--master"}), DropPoint::kInWorkers);
  EXPECT_EQ(drop_point({"--master-as-root"}), DropPoint::kAfterApps);
}

TEST(ProcessPlan, AnEnvironmentVariableWithoutAValueIsAnError) {
  const auto options = LoadOptions({.argv = {"uwsgi", "--env=NAME"}});
  ASSERT_TRUE(options);
  EXPECT_FALSE(PlanProcesses(*options));
}

TEST(ProcessPlan, ALifetimeMustExceedTheLeast) {
  const auto options =
      LoadOptions({.argv = {"uwsgi", "--max-worker-lifetime=5", "--min-worker-lifetime=10"}});
  ASSERT_TRUE(options);
  EXPECT_FALSE(PlanProcesses(*options));
}

TEST(ProcessPlan, StopAndReloadAreSignalsForAPidfile) {
  const auto options = LoadOptions({.argv = {"uwsgi", "--reload=/run/x.pid"}});
  ASSERT_TRUE(options);
  const auto order = PlanSignal(*options);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->signal, SIGHUP);
  EXPECT_EQ(order->pidfile, "/run/x.pid");
}

}  // namespace
}  // namespace uwsgi
