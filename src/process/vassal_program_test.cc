// SPDX-License-Identifier: Apache-2.0
#include "process/vassal_program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

EmperorSpec SomeEmperor() {
  EmperorSpec spec;
  spec.program = "/usr/bin/uwsgi";
  return spec;
}

bool Has(const ProgramSpec& program, std::string_view variable) {
  return std::ranges::find(program.environment, variable) != program.environment.end();
}

TEST(VassalProgram, ReadsItsFileBetweenWhatAllVassalsAreGiven) {
  EmperorSpec spec = SomeEmperor();
  spec.arguments_before = {"--set", "a=b"};
  spec.arguments_behind = {"--include", "/all.ini"};
  const auto program = MakeVassalProgram(spec, {.name = "site.ini", .directory = "/vassals"}, {});
  ASSERT_TRUE(program);
  EXPECT_EQ(program->argv, (std::vector<std::string>{"/usr/bin/uwsgi", "--set", "a=b", "--ini",
                                                     "site.ini", "--include", "/all.ini"}));
  EXPECT_EQ(program->directory, "/vassals");
  EXPECT_EQ(program->death_signal, 0);
  EXPECT_FALSE(program->identity);
}

TEST(VassalProgram, GetsNothingOfTheEmperorsOwnLife) {
  const std::vector<std::string> environment = {
      "PATH=/bin",          "UWSGI_EMPEROR=/vassals", "UWSGI_EMPEROR_FD=7", "UWSGI_VASSALS_SET=a=b",
      "NOTIFY_SOCKET=/run", "LISTEN_PID=1",           "UWSGI_RELOADS=3",    "UWSGI_THREADS=2"};
  const auto program =
      MakeVassalProgram(SomeEmperor(), {.name = "a.ini", .directory = "/vassals"}, environment);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->environment, (std::vector<std::string>{"PATH=/bin", "UWSGI_THREADS=2",
                                                            "UWSGI_VASSALS_DIR=/vassals"}));
}

TEST(VassalProgram, ReadsNoConfigurationOfTheEmperor) {
  std::vector<std::string> environment;
  for (const char* const option : {"INI", "CONFIG", "INCLUDE", "INHERIT", "FALLBACK_CONFIG"})
    environment.push_back(fmt::format("UWSGI_{}=/etc/emperor.ini", option));
  const auto program = MakeVassalProgram(SomeEmperor(), {.name = "a.ini"}, environment);
  ASSERT_TRUE(program);
  EXPECT_TRUE(program->environment.empty());
}

TEST(VassalProgram, OfATyrantRunsAsTheOwnerOfItsFile) {
  EmperorSpec spec = SomeEmperor();
  spec.is_tyrant = true;
  const auto program = MakeVassalProgram(spec, {.name = "a.ini", .uid = 4321, .gid = 1234}, {});
  ASSERT_TRUE(program);
  EXPECT_EQ(program->identity->uid, 4321U);
  EXPECT_EQ(program->identity->gid, 1234U);
  EXPECT_EQ(program->identity->groups, std::vector<gid_t>{1234});
}

TEST(VassalProgram, OfATyrantIsRefusedWhereItWouldBeRootsOrAnybodys) {
  EmperorSpec spec = SomeEmperor();
  spec.is_tyrant = true;
  EXPECT_FALSE(MakeVassalProgram(spec, {.name = "a.ini", .uid = 0, .gid = 5}, {}));
  EXPECT_FALSE(MakeVassalProgram(spec, {.name = "a.ini", .uid = 5, .gid = 0}, {}));
  EXPECT_FALSE(
      MakeVassalProgram(spec, {.name = "a.ini", .uid = 5, .gid = 5, .writable_by_all = true}, {}));
}

TEST(VassalProgram, WaitsAtTheSocketThatAFileOrADirectoryNames) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a.ini.socket", " 127.0.0.1:80 \nsecond line\n"));
  EmperorSpec spec = SomeEmperor();
  const VassalFile with{.name = "a.ini", .directory = folder.path().string()};
  const VassalFile without{.name = "b.ini", .directory = folder.path().string()};
  EXPECT_EQ(OnDemandAddressOf(spec, with), "");
  spec.on_demand_extension = ".socket";
  EXPECT_EQ(OnDemandAddressOf(spec, with), "127.0.0.1:80");
  EXPECT_EQ(OnDemandAddressOf(spec, without), "");
  spec.on_demand_extension.clear();
  spec.on_demand_directory = "/run";
  EXPECT_EQ(OnDemandAddressOf(spec, {.name = "/srv/x/site.ini"}), "/run/site.ini.socket");
}

TEST(VassalProgram, WhatIsNoFileNamesNoAddressAndKeepsNobodyWaiting) {
  TempDir folder;
  EmperorSpec spec = SomeEmperor();
  spec.on_demand_extension = ".socket";
  ASSERT_EQ(::mkfifo((folder / "a.ini.socket").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/zero", folder / "b.ini.socket");
  for (const char* const name : {"a.ini", "b.ini"})
    EXPECT_EQ(OnDemandAddressOf(spec, {.name = name, .directory = folder.path().string()}), "");
}

TEST(VassalProgram, HooksKnowWhomTheyAreFor) {
  const ProgramSpec hook = MakeVassalHook("true", {.name = "a.ini", .uid = 5}, 77, {});
  EXPECT_EQ(hook.argv.back(), "true");
  EXPECT_TRUE(Has(hook, "UWSGI_VASSAL_CONFIG=a.ini"));
  EXPECT_TRUE(Has(hook, "UWSGI_VASSAL_PID=77"));
  EXPECT_TRUE(Has(hook, "UWSGI_VASSAL_UID=5"));
}

}  // namespace
}  // namespace uwsgi
