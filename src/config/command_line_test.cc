// SPDX-License-Identifier: Apache-2.0
#include "config/command_line.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

// The options as "name" or "name=value" words, then "|" and the positional words.
std::string Parsed(const std::vector<std::string>& arguments) {
  const Result<CommandLine> line = ParseCommandLine(arguments);
  if (!line) return "error: " + line.error().text();
  std::string text;
  for (const DashedOption& option : line->options) {
    text += option.name + (option.has_value ? "=" + option.value : "") + " ";
  }
  text += "|";
  for (const std::string& word : line->positional) text += " " + word;
  return text;
}

TEST(CommandLine, TakesAValueBehindBlankOrEqualsSign) {
  EXPECT_EQ(Parsed({"--processes", "4", "--threads=2"}), "processes=4 threads=2 |");
}

TEST(CommandLine, TakesAnyNextWordForAMandatoryValue) {
  EXPECT_EQ(Parsed({"--pyargv", "--flag", "--master"}), "pyargv=--flag master |");
}

TEST(CommandLine, SplitsAtTheFirstEqualsSign) { EXPECT_EQ(Parsed({"--set=a=b=c"}), "set=a=b=c |"); }

TEST(CommandLine, TakesOptionalValuesWithEqualsSignOnly) {
  EXPECT_EQ(Parsed({"--chmod-socket=660", "--chmod-socket", "660"}),
            "chmod-socket=660 chmod-socket | 660");
  EXPECT_EQ(Parsed({"-C660", "-C"}), "chmod-socket=660 chmod-socket |");
}

TEST(CommandLine, TakesABooleanForAFlag) {
  EXPECT_EQ(Parsed({"--master=false"}), "master=false |");
}

TEST(CommandLine, CompletesAnUnambiguousBeginning) {
  EXPECT_EQ(Parsed({"--proces", "2"}), "processes=2 |");
  EXPECT_EQ(Parsed({"--virtuale=x"}), "virtualenv=x |");
}

TEST(CommandLine, PrefersAnExactNameToLongerOnes) {
  EXPECT_EQ(Parsed({"--http", ":80"}), "http=:80 |");
}

TEST(CommandLine, CompletesAliasesOfOneOption) {
  EXPECT_EQ(Parsed({"--threads-stack", "64"}), "threads-stacksize=64 |");
}

TEST(CommandLine, ListsTheCandidatesOfAnAmbiguousBeginning) {
  const std::string error = Parsed({"--proc", "2"});
  EXPECT_NE(error.find("option '--proc' is ambiguous"), std::string::npos) << error;
  EXPECT_NE(error.find("'--processes'"), std::string::npos) << error;
  EXPECT_NE(error.find("'--procname'"), std::string::npos) << error;
}

TEST(CommandLine, TakesLettersTogetherAndApart) {
  EXPECT_EQ(Parsed({"-p", "2", "-p4", "-ML", "-Mp", "3"}),
            "processes=2 processes=4 master disable-logging master processes=3 |");
}

TEST(CommandLine, RejectsAnEqualsSignBehindALetter) {
  EXPECT_NE(Parsed({"-p=2"}).find("write -p 2 or --processes=2"), std::string::npos)
      << Parsed({"-p=2"});
  EXPECT_NE(Parsed({"-M=1"}).find("error"), std::string::npos);
}

TEST(CommandLine, TakesASharedSocketBehindALetter) { EXPECT_EQ(Parsed({"-s=0"}), "socket==0 |"); }

TEST(CommandLine, CollectsWordsWithoutDashWhereverTheyStand) {
  EXPECT_EQ(Parsed({"a.ini", "--master", "b.ini", "--", "--vacuum"}),
            "master | a.ini b.ini --vacuum");
}

TEST(CommandLine, RefusesAnUnknownOptionWithASuggestion) {
  EXPECT_EQ(Parsed({"--vaccum"}),
            "error: unrecognized option '--vaccum' (command line), did you mean \"vacuum\"?");
  EXPECT_EQ(Parsed({"--qqqqqqq=1"}), "error: unrecognized option '--qqqqqqq' (command line)");
  EXPECT_EQ(Parsed({"-Z"}), "error: unrecognized option '-Z' (command line)");
}

TEST(CommandLine, RefusesAnOptionWithoutItsValue) {
  EXPECT_EQ(Parsed({"--processes"}),
            "error: option '--processes' requires an argument (command line)");
  EXPECT_EQ(Parsed({"-p"}), "error: option '-p' requires an argument (command line)");
}

}  // namespace
}  // namespace uwsgi
