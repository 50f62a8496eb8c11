// SPDX-License-Identifier: Apache-2.0
#include "process/master_fifo.h"

#include <gtest/gtest.h>

#include <set>

#include "config/loader.h"
#include "process/control_plan.h"

namespace uwsgi {
namespace {

TEST(FifoKeys, AskForOneThingEach) {
  std::set<char> keys;
  for (const FifoKey& row : FifoKeys()) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    EXPECT_EQ(FifoCommandOf(row.key), row.command);
    EXPECT_FALSE(row.key >= '0' && row.key <= '9') << "digits choose the pipe";
  }
}

TEST(FifoKeys, UnknownBytesAskForNothing) {
  for (const char key : {'\n', '\0', ' ', 'z', '\xff', '?'}) {
    EXPECT_EQ(FifoCommandOf(key), MasterCommand::kIgnore);
  }
  EXPECT_EQ(FifoCommandOf('r'), MasterCommand::kReload);
  EXPECT_EQ(FifoCommandOf('R'), MasterCommand::kReloadBrutally);
}

Options Load(std::vector<std::string> args) {
  args.insert(args.begin(), "uwsgi");
  return LoadOptions({.argv = std::move(args)}).value();
}

TEST(ControlPlan, ThereAreTenFifos) {
  std::vector<std::string> args(10, "--master-fifo=/run/f");
  EXPECT_EQ(PlanFifos(Load(args))->size(), 10U);
  args.emplace_back("--master-fifo=/run/f");
  EXPECT_FALSE(PlanFifos(Load(args)));
}

TEST(ControlPlan, TouchesNameWhatFollows) {
  const auto touches =
      PlanTouches(Load({"--touch-chain-reload=/a", "--touch-reload=/b",
                        "--touch-exec=/c echo hi there", "--hook-touch=/d log:x"}));
  ASSERT_TRUE(touches);
  ASSERT_EQ(touches->size(), 4U);
  EXPECT_EQ((*touches)[0].command, MasterCommand::kReload);
  EXPECT_EQ((*touches)[0].consequence, "grace them all");
  EXPECT_EQ((*touches)[1].command, MasterCommand::kChainReload);
  EXPECT_EQ((*touches)[2].shell, "echo hi there");
  EXPECT_EQ((*touches)[3].path, "/d");
  EXPECT_EQ((*touches)[3].hook, "log:x");
}

TEST(ControlPlan, AMistakeIsTold) {
  EXPECT_FALSE(PlanTouches(Load({"--touch-exec=/c"})));
  EXPECT_FALSE(PlanTouches(Load({"--hook-touch=/c nosuch:x"})));
}

}  // namespace
}  // namespace uwsgi
