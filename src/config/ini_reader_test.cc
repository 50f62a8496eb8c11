// SPDX-License-Identifier: Apache-2.0
#include "config/ini_reader.h"

#include <gtest/gtest.h>

namespace uwsgi {

// So that a failed comparison shows what was read.
void PrintTo(const ConfigEntry& entry, std::ostream* out) {
  *out << entry.line << ": '" << entry.key << "' = '" << entry.value << "'";
}

namespace {

using Entries = std::vector<ConfigEntry>;

Entries Read(std::string_view text) { return ReadIni(text, "uwsgi")->entries; }

TEST(IniReader, TrimsLinesKeysAndValuesButKeepsInnerBlanks) {
  EXPECT_EQ(Read("[uwsgi]\r\n \tprocesses\t =  4 \r\nmodule = a b\r\n"),
            (Entries{{"processes", "4", 2}, {"module", "a b", 3}}));
}

TEST(IniReader, ReadsTheLastLineWithoutNewline) {
  EXPECT_EQ(Read("[uwsgi]\nmaster=1"), (Entries{{"master", "1", 2}}));
}

TEST(IniReader, SkipsEmptyLinesAndComments) {
  EXPECT_EQ(Read("[uwsgi]\n\n; a = 1\n  # b = 2\n\t;c\nd = 3\n"), (Entries{{"d", "3", 6}}));
}

TEST(IniReader, TakesALineOfSlashesForAKey) {
  EXPECT_EQ(Read("[uwsgi]\n// text\n"), (Entries{{"// text", "", 2}}));
}

TEST(IniReader, LeavesTrailingCommentsInTheValue) {
  EXPECT_EQ(Read("[uwsgi]\nroute = ^/a;b # c\n"), (Entries{{"route", "^/a;b # c", 2}}));
}

TEST(IniReader, SplitsAtTheFirstEqualsSign) {
  EXPECT_EQ(Read("[uwsgi]\na=b=c\nx==y\n= 5\n"),
            (Entries{{"a", "b=c", 2}, {"x", "=y", 3}, {"", "5", 4}}));
}

TEST(IniReader, TakesALineWithoutEqualsSignForAKey) {
  EXPECT_EQ(Read("[uwsgi]\nmaster\nkey: value\n"),
            (Entries{{"master", "", 2}, {"key: value", "", 3}}));
}

TEST(IniReader, GivesQuotesAndBackslashesNoMeaning) {
  EXPECT_EQ(Read("[uwsgi]\na = \"b\"\nc = d\\\ne = 'f\n"),
            (Entries{{"a", "\"b\"", 2}, {"c", "d\\", 3}, {"e", "'f", 4}}));
}

TEST(IniReader, KeepsEqualKeysInOrder) {
  EXPECT_EQ(Read("[uwsgi]\na=1\nb=2\na=3\n"),
            (Entries{{"a", "1", 2}, {"b", "2", 3}, {"a", "3", 4}}));
}

TEST(IniReader, JoinsPartsOfASectionThatComesTwice) {
  EXPECT_EQ(Read("[uwsgi]\na=1\n[other]\nb=2\n[uwsgi]\nc=3\n"),
            (Entries{{"a", "1", 2}, {"c", "3", 6}}));
}

TEST(IniReader, IgnoresLinesBeforeAnySection) {
  EXPECT_EQ(Read("a=1\n[uwsgi]\nb=2\n"), (Entries{{"b", "2", 3}}));
}

TEST(IniReader, SkipsAByteOrderMark) {
  EXPECT_EQ(Read("\xEF\xBB\xBF[uwsgi]\na=1\n"), (Entries{{"a", "1", 2}}));
}

TEST(IniReader, RecognisesASectionWithCommentOrBlanks) {
  EXPECT_EQ(Read("[uwsgi] ; x\na=1\n"), (Entries{{"a", "1", 2}}));
  EXPECT_EQ(Read(" [ uwsgi ] \na=1\n"), (Entries{{"a", "1", 2}}));
  EXPECT_EQ(Read("[uwsgi\na=1\n"), (Entries{{"a", "1", 2}}));
}

TEST(IniReader, SaysWhetherTheSectionIsThere) {
  EXPECT_TRUE(ReadIni("[app]\n", "app")->section_found);
  EXPECT_FALSE(ReadIni("[app]\n", "uwsgi")->section_found);
  EXPECT_FALSE(ReadIni("", "uwsgi")->section_found);
}

TEST(IniReader, ReadsTheSectionAskedFor) {
  EXPECT_EQ(ReadIni("[uwsgi]\na=1\n[app]\nb=2\n", "app")->entries, (Entries{{"b", "2", 4}}));
}

TEST(IniReader, PassesEveryByteThrough) {
  EXPECT_EQ(Read(std::string_view("[uwsgi]\na = \xC3\xA4\0\xFF\n", 17)),
            (Entries{{"a", std::string("\xC3\xA4\0\xFF", 4), 2}}));
}

}  // namespace
}  // namespace uwsgi
