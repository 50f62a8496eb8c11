// SPDX-License-Identifier: Apache-2.0
#include "process/hooks.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "process/hook_plan.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

Status Do(const std::string& text) {
  HookServices services;
  const Hook hook = TRY(ParseHook(text));
  return hook.action->run(hook.argument, services);
}

std::string ErrorOf(const std::string& text) {
  const auto hook = ParseHook(text);
  return hook ? "" : hook.error().message;
}

std::string Content(const std::string& path) { return ReadFile(path).value_or("?"); }

TEST(Hooks, NeedAnActionAndAnArgument) {
  EXPECT_EQ(ErrorOf("print"), "invalid hook syntax, must be hook:args");
  EXPECT_EQ(ErrorOf("nosuch:x"), "hook action not found: nosuch");
  EXPECT_EQ(ErrorOf("write:/tmp/x"), "invalid hook write syntax, must be: <file> <string>");
  EXPECT_EQ(ErrorOf("cd:"), "invalid hook cd syntax, must be: <directory>");
  EXPECT_EQ(ErrorOf("rpc: "),
            "invalid hook rpc syntax, must be: " + std::string(FindHookAction("rpc")->syntax));
  EXPECT_EQ(ErrorOf("exit:"), "");
}

TEST(Hooks, AreShownUnlessTheyAreHidden) {
  EXPECT_EQ(ParseHook("exec:echo hi there")->shown, "\"exec:echo hi there\"");
  EXPECT_EQ(ParseHook("!exec:echo secret")->shown, "--- PRIVATE HOOK ---");
  EXPECT_EQ(ParseHook("!exec:echo secret")->argument, "echo secret");
}

TEST(Hooks, KeepTheBlanksOfTheLastWord) {
  EXPECT_EQ(SplitArgument("a b  c d", 2), (std::vector<std::string>{"a", "b  c d"}));
  EXPECT_EQ(SplitArgument("a", 2), (std::vector<std::string>{"a"}));
  EXPECT_EQ(SplitArgument("/a file", 1), (std::vector<std::string>{"/a file"}));
}

TEST(HookActions, WriteAndAppendFiles) {
  TempDir dir;
  const std::string file = dir / "a";
  ASSERT_TRUE(Do("write:" + file + " hello there"));
  EXPECT_EQ(Content(file), "hello there");
  ASSERT_TRUE(Do("append:" + file + " more"));
  ASSERT_TRUE(Do("appendn:" + file + " end"));
  EXPECT_EQ(Content(file), "hello theremoreend\n");
  ASSERT_TRUE(Do("writen:" + file + " new"));
  EXPECT_EQ(Content(file), "new\n");
  ASSERT_TRUE(Do("create:" + file));
  EXPECT_EQ(Content(file), "");
  ASSERT_TRUE(Do("unlink:" + file));
  EXPECT_FALSE(Do("unlink:" + file));
}

TEST(HookActions, ChangeModes) {
  TempDir dir;
  const std::string file = dir / "a";
  ASSERT_TRUE(Do("create:" + file));
  ASSERT_TRUE(Do("chmod:" + file + " 600"));
  ASSERT_TRUE(Do("sticky:" + file));
  struct stat found {};
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 01600U);
  EXPECT_EQ(Do("chmod:" + file + " zz").error().message, "invalid hook chmod mask: zz");
  ASSERT_TRUE(Do("mkdir:" + dir / "d"));
  EXPECT_FALSE(Do("mkdir:" + dir / "d"));
}

TEST(HookActions, FailWithTheStatusOfACommandUnlessItIsForgiven) {
  EXPECT_TRUE(Do("exec:exit 0"));
  EXPECT_EQ(Do("exec:exit 3").error().message, "command \"exit 3\" exited with non-zero code: 3");
  EXPECT_EQ(Do("exec:kill -9 $$").error().message, "command \"kill -9 $$\" was killed by signal 9");
  EXPECT_TRUE(Do("safeexec:exit 3"));
}

TEST(HookActions, RefuseAPipeThatNobodyReads) {
  TempDir dir;
  const std::string fifo = dir / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(Do("writefifo:" + fifo + " x"));
}

TEST(HookActions, NeedTheirServices) {
  EXPECT_FALSE(Do("rpc:f"));
  EXPECT_FALSE(Do("alarm:a text"));
  EXPECT_EQ(Do("call:no_such_function_anywhere").error().message,
            "unable to call function \"no_such_function_anywhere\"");
}

TEST(HookActions, CallRpcWithItsWords) {
  std::string called;
  HookServices services;
  services.call_rpc = [&](const std::string& function, std::vector<std::string> args,
                          int64_t seconds) -> Result<std::string> {
    called = fmt::format("{}({},{}) within {}", function, args.at(0), args.at(1), seconds);
    return std::string();
  };
  const Hook hook = ParseHook("rpc:sum 1 2").value();
  ASSERT_TRUE(hook.action->run(hook.argument, services));
  EXPECT_EQ(called, "sum(1,2) within 60");
}

TEST(HookActions, WaitNoLongerThanTheProcessHasTime) {
  HookServices services;
  services.patience_s = 0;
  const Hook hook = ParseHook("wait_for_file:/no/such/file").value();
  EXPECT_FALSE(hook.action->run(hook.argument, services));
}

TEST(HookPhases, EndAtTheFirstFailureWhenItIsFatal) {
  TempDir dir;
  HookSpec spec;
  const auto add = [&](HookPhase phase) {
    auto& hooks = spec.phases[static_cast<size_t>(phase)];
    hooks.push_back(ParseHook("exec:exit 1").value());
    hooks.push_back(ParseHook("create:" + dir / std::string(RowOf(phase).name)).value());
  };
  add(HookPhase::kAsap);
  add(HookPhase::kAtExit);
  const StartOrder order;
  HookRunner hooks(spec, order);
  EXPECT_FALSE(hooks.Run(HookPhase::kAsap));
  EXPECT_TRUE(hooks.Run(HookPhase::kAtExit));
  EXPECT_NE(::access((dir / "asap").c_str(), F_OK), 0);
  EXPECT_EQ(::access((dir / "as-user-atexit").c_str(), F_OK), 0);
}

TEST(HookRunner, SharesOutAReloadBetweenTheTrialAndTheNewProgram) {
  TempDir dir;
  HookSpec spec;
  spec.phases[static_cast<size_t>(HookPhase::kPreApp)] = {
      ParseHook("appendn:" + dir / "ran" + " x").value(),
      ParseHook("putenv:PROVEN_BY=hook").value()};
  const auto lines = [&] { return Content(dir / "ran").size() / 2; };
  const auto run = [&](StartKind kind) {
    ::unsetenv("PROVEN_BY");
    StartOrder order;
    order.kind = kind;
    HookRunner hooks(spec, order);
    EXPECT_TRUE(hooks.Run(HookPhase::kPreApp));
    EXPECT_STREQ(::getenv("PROVEN_BY"), "hook");
  };
  run(StartKind::kFirst);
  EXPECT_EQ(lines(), 1U);
  run(StartKind::kTrial);
  EXPECT_EQ(lines(), 2U);
  run(StartKind::kSuccessor);
  EXPECT_EQ(lines(), 2U) << "the trial has done it";
  StartOrder order;
  order.kind = StartKind::kSuccessor;
  HookRunner in_a_worker(spec, order);
  in_a_worker.LeaveInChild();
  EXPECT_TRUE(in_a_worker.Run(HookPhase::kPreApp));
  EXPECT_EQ(lines(), 3U);
}

TEST(HookPhases, StandInTheOrderOfTheirRows) {
  for (size_t i = 0; i < kHookPhases; ++i) {
    const auto phase = static_cast<HookPhase>(i);
    EXPECT_EQ(RowOf(phase).phase, phase);
  }
}

TEST(HookPlan, ReadsEachKindOfOptionInItsOrder) {
  Options options;
  options.exec_as_root.push_back({.text = "echo x", .option = "exec-as-root"});
  options.hook_as_root.push_back({.text = "print:1", .option = "hook-as-root"});
  options.umount_as_root.push_back({.text = "/mnt", .option = "umount-as-root"});
  const HookSpec spec = PlanHooks(options).value();
  const std::vector<Hook>& hooks = spec.of(HookPhase::kAsRoot);
  ASSERT_EQ(hooks.size(), 3U);
  EXPECT_EQ(hooks[0].action->name, "print");
  EXPECT_EQ(hooks[1].action->name, "umount");
  EXPECT_EQ(hooks[2].action->name, "exec");
  EXPECT_EQ(hooks[2].shown, "\"echo x\"");
}

TEST(HookPlan, NamesTheOptionAndThePlaceOfAMistake) {
  Options options;
  options.hook_post_fork.push_back(
      {.text = "prnt:1", .origin = {"site.ini", 7}, .option = "hook-post-fork"});
  const auto spec = PlanHooks(options);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().message,
            "hook-post-fork = prnt:1: hook action not found: prnt (site.ini:7)");
}

TEST(HookPlan, WaitsInTheOrderGiven) {
  Options options;
  options.wait_for_socket.push_back({.text = "127.0.0.1:1", .order = 1});
  options.wait_for_fs.push_back({.text = "/x", .order = 2});
  options.wait_for_socket_timeout = 3;
  const auto waits = PlanWaits(options);
  ASSERT_EQ(waits.size(), 2U);
  EXPECT_EQ(waits[0].kind, WaitKind::kSocket);
  EXPECT_EQ(waits[0].seconds, 3);
  EXPECT_EQ(waits[1].seconds, 60);
}

TEST(WaitFor, FindsWhatIsThere) {
  TempDir dir;
  EXPECT_TRUE(IsThere(WaitKind::kDirectory, dir.path().string()));
  EXPECT_FALSE(IsThere(WaitKind::kFile, dir.path().string()));
  EXPECT_TRUE(IsThere(WaitKind::kMountPoint, "/proc"));
  EXPECT_FALSE(IsThere(WaitKind::kMountPoint, dir.path().string()));
  EXPECT_TRUE(IsThere(WaitKind::kInterface, "lo"));
  EXPECT_FALSE(WaitFor(WaitKind::kPath, dir / "nothing", 0));
}

}  // namespace
}  // namespace uwsgi
