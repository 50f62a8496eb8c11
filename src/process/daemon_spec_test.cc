// SPDX-License-Identifier: Apache-2.0
#include "process/daemon_spec.h"

#include <gtest/gtest.h>

#include "config/loader.h"
#include "process/daemon_plan.h"

namespace uwsgi {
namespace {

TEST(DaemonSpec, ReadsKeys) {
  const auto spec = ParseDaemon(
      "cmd=redis-server --port 0,freq=3,pidfile=/run/r.pid,daemonize=true,stopsignal=2,"
      "reloadsignal=1,touch=/a;/b,uid=0,gid=0,chdir=/tmp,max_throttle=9,control,stdin=no,ns_pid=1");
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->command, "redis-server --port 0");
  EXPECT_EQ(spec->freq_s, 3);
  EXPECT_TRUE(spec->daemonize && spec->control && spec->new_pid_namespace && spec->is_smart());
  EXPECT_FALSE(spec->keep_stdin);
  EXPECT_EQ(spec->stop_signal, 2);
  EXPECT_EQ(spec->reload_signal, 1);
  EXPECT_EQ(spec->touch, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(spec->uid, 0U);
  EXPECT_EQ(spec->directory, "/tmp");
  EXPECT_EQ(spec->max_throttle_s, 9);
}

TEST(DaemonSpec, ACommaMayBePartOfACommand) {
  EXPECT_EQ(ParseDaemon(R"(cmd=echo a\,b=c,freq=1)")->command, "echo a,b=c");
  EXPECT_EQ(ParseDaemon("exec=sleep 1")->command, "sleep 1");
}

TEST(DaemonSpec, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "freq=1", "cmd=x,nosuch=1", "cmd=x,freq=abc", "cmd=x,stopsignal=99",
                           "cmd=x,uid=no_such_user_here", "cmd=x,daemonize=1"}) {
    EXPECT_FALSE(ParseDaemon(text)) << text;
  }
}

TEST(DaemonSpec, SmartOnesBeginWithTheirPidfile) {
  const auto plain = ParseSmartDaemon("/run/x.pid memcached -d");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->pidfile, "/run/x.pid");
  EXPECT_EQ(plain->command, "memcached -d");
  EXPECT_EQ(plain->freq_s, 10);
  EXPECT_EQ(ParseSmartDaemon("/run/x.pid,2 cmd")->freq_s, 2);
  EXPECT_FALSE(ParseSmartDaemon("/run/x.pid"));
  EXPECT_FALSE(ParseSmartDaemon("/run/x.pid,z cmd"));
}

TEST(OldDaemon, IsTheSameForTheNextProgram) {
  const auto stays =
      DecodeOldDaemon(EncodeOldDaemon({71, true, "redis-server --port 0  # blanks"}));
  ASSERT_TRUE(stays) << stays.error().text();
  EXPECT_EQ(stays->pid, 71);
  EXPECT_TRUE(stays->stays);
  EXPECT_EQ(stays->command, "redis-server --port 0  # blanks");
  EXPECT_EQ(DecodeOldDaemon(EncodeOldDaemon({72, false, "a\nb "}))->command, "a\nb ");
  EXPECT_FALSE(DecodeOldDaemon("1 0 x"));
  EXPECT_FALSE(DecodeOldDaemon("71"));
}

TEST(DaemonPause, GrowsUpToItsLimit) {
  EXPECT_EQ(DaemonPauseAfter(0, 300), 0);
  EXPECT_EQ(DaemonPauseAfter(1, 300), 1);
  EXPECT_EQ(DaemonPauseAfter(3, 300), 1);
  EXPECT_EQ(DaemonPauseAfter(4, 300), 2);
  EXPECT_EQ(DaemonPauseAfter(6, 300), 3);
  EXPECT_EQ(DaemonPauseAfter(100000, 300), 300);
  EXPECT_EQ(DaemonPauseAfter(6, 2), 2);
}

TEST(DaemonPlan, ReadsAllOptionsInTheirOrder) {
  const auto options = LoadOptions(
      {.argv = {"uwsgi", "--attach-control-daemon=a", "--smart-attach-daemon2=/p b",
                "--attach-daemon2=cmd=c", "--attach-daemon=d", "--smart-attach-daemon=/q e"}});
  ASSERT_TRUE(options);
  const auto daemons = PlanDaemons(*options);
  ASSERT_TRUE(daemons) << daemons.error().text();
  std::string commands;
  for (const DaemonSpec& spec : *daemons) commands += spec.command;
  EXPECT_EQ(commands, "abcde");
  EXPECT_TRUE((*daemons)[0].control);
  EXPECT_TRUE((*daemons)[1].daemonize);
  EXPECT_FALSE((*daemons)[4].daemonize);
}

TEST(DaemonPlan, NamesTheMistake) {
  const auto options = LoadOptions({.argv = {"uwsgi", "--attach-daemon2=freq=1"}});
  const auto daemons = PlanDaemons(*options);
  ASSERT_FALSE(daemons);
  EXPECT_EQ(daemons.error().message,
            "attach-daemon2 = freq=1: the key cmd is missing (command line)");
}

}  // namespace
}  // namespace uwsgi
