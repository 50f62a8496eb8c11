// SPDX-License-Identifier: Apache-2.0
#include "config/option_table.h"

#include <gtest/gtest.h>

#include <set>

namespace uwsgi {
namespace {

TEST(OptionTable, HasEachNameOnce) {
  std::set<std::string_view> names;
  for (const OptionRow& row : AllOptions()) {
    ASSERT_FALSE(row.names.empty());
    for (std::string_view name : row.names) EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_GT(names.size(), 950u);
}

TEST(OptionTable, HasEachLetterOnce) {
  std::set<char> letters;
  for (const OptionRow& row : AllOptions()) {
    if (row.letter == 0) continue;
    EXPECT_TRUE(letters.insert(row.letter).second) << row.letter;
  }
}

TEST(OptionTable, KnowsTheLettersOfThePredecessor) {
  const std::pair<char, const char*> expected[] = {
      {'s', "socket"},
      {'p', "processes"},
      {'t', "harakiri"},
      {'x', "xml"},
      {'S', "set"},
      {'d', "daemonize"},
      {'l', "listen"},
      {'v', "max-vars"},
      {'b', "buffer-size"},
      {'m', "memory-report"},
      {'c', "cgi-mode"},
      {'a', "abstract-socket"},
      {'C', "chmod-socket"},
      {'T', "enable-threads"},
      {'i', "single-interpreter"},
      {'M', "master"},
      {'h', "help"},
      {'r', "reaper"},
      {'R', "max-requests"},
      {'z', "socket-timeout"},
      {'A', "sharedarea"},
      {'Q', "spooler"},
      {'L', "disable-logging"},
      {'y', "yaml"},
      {'j', "json"},
      {'w', "module"},
      {'H', "home"},
      {'J', "test"},
      {'O', "optimize"},
  };
  for (const auto& [letter, name] : expected) {
    const OptionRow* const row = FindOptionByLetter(letter);
    ASSERT_NE(row, nullptr) << letter;
    EXPECT_EQ(row->name(), name);
  }
  EXPECT_EQ(FindOptionByLetter(0), nullptr);
}

TEST(OptionTable, FindsAliases) {
  EXPECT_EQ(FindOption("workers"), FindOption("processes"));
  EXPECT_EQ(FindOption("virtualenv")->name(), "home");
  EXPECT_EQ(FindOption("uwsgi-socket")->name(), "uwsgi-socket");
  EXPECT_EQ(FindOption("Master"), nullptr);
  EXPECT_EQ(FindOption(""), nullptr);
}

TEST(OptionTable, KnowsWhichOptionsTakeAValue) {
  const auto arity = [](std::string_view name) { return TraitsOf(FindOption(name)->kind).arity; };
  EXPECT_EQ(arity("master"), Arity::kNone);
  EXPECT_EQ(arity("cheap"), Arity::kNone);
  EXPECT_EQ(arity("chmod-socket"), Arity::kOptional);
  EXPECT_EQ(arity("mule"), Arity::kOptional);
  EXPECT_EQ(arity("processes"), Arity::kRequired);
  EXPECT_EQ(arity("cheaper"), Arity::kRequired);
}

TEST(OptionTable, HelpsWithEveryOption) {
  for (const OptionRow& row : AllOptions()) EXPECT_FALSE(row.help.empty()) << row.name();
}

TEST(OptionTable, GivesOptionsTheirDefaults) {
  const Options options;
  EXPECT_EQ(options.processes, 1);
  EXPECT_EQ(options.listen, 100);
  EXPECT_EQ(options.socket_timeout, 4);
  EXPECT_EQ(options.http_timeout, 60);
  EXPECT_EQ(options.buffer_size, 65536);
  EXPECT_EQ(options.worker_reload_mercy, 60);
  EXPECT_EQ(options.umask, -1);
  EXPECT_EQ(options.protocol, "uwsgi");
  EXPECT_FALSE(options.chmod_socket.has_value());
}

}  // namespace
}  // namespace uwsgi
