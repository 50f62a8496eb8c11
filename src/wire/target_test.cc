// SPDX-License-Identifier: Apache-2.0
#include "wire/target.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

std::string Decoded(ByteView path) {
  std::string room(path.size(), '\0');
  const auto decoded = DecodePath(path, room.data());
  return decoded ? std::string(*decoded) : "refused";
}

// compat: the answers of the predecessor.
TEST(DecodePath, FoldsDotSegmentsOfTheUndecodedText) {
  const std::pair<const char*, const char*> kCases[] = {{"/a/../b", "/b"},
                                                        {"/a/./b", "/a/b"},
                                                        {"/a//b", "/a//b"},
                                                        {"/a/..", "/"},
                                                        {"/a/.", "/a/"},
                                                        {"/..", ""},
                                                        {"/../", "/"},
                                                        {"/../x", "/x"},
                                                        {"/../..", ""},
                                                        {"/a/../..", ""},
                                                        {"/a/../../b", "/b"},
                                                        {"/a/b/../", "/a/"},
                                                        {"/.", "/"},
                                                        {"/./", "/"},
                                                        {"/a//../b", "/a/b"},
                                                        {"//..", "/"},
                                                        {"/a/b/../..", "/"},
                                                        {"/a/./", "/a/"},
                                                        {"/a/..//b", "//b"},
                                                        {"/a/b/.././c/", "/a/c/"},
                                                        {"/.hidden", "/.hidden"},
                                                        {"/a/...", "/a/..."},
                                                        {"/a/..b", "/a/..b"},
                                                        {"/a.b/c.", "/a.b/c."},
                                                        {"*", "*"},
                                                        {"/a/.b/..c/..", "/a/.b/"},
                                                        {"/", "/"}};
  for (const auto& [path, expected] : kCases) EXPECT_EQ(Decoded(path), expected) << path;
}

TEST(DecodePath, DecodesOnce) {
  EXPECT_EQ(Decoded("/a%2fb"), "/a/b");
  EXPECT_EQ(Decoded("/a%3Fb"), "/a?b");
  EXPECT_EQ(Decoded("/%25%32%35"), "/%25");
  EXPECT_EQ(Decoded("/a/%2e%2e/b"), "/a/../b");
  EXPECT_EQ(Decoded("/%c3%A9"), "/\xc3\xa9");
}

TEST(DecodePath, RefusesBadEscapesAndNul) {
  for (const ByteView bad : {"/%", "/%2", "/%zz", "/%2g", "/a%00b", "/%%20"})
    EXPECT_EQ(Decoded(bad), "refused") << bad;
}

TEST(DecodePath, LeavesPlainPathsWhereTheyAre) {
  const ByteView path = "/static/app.v2.min.js";
  EXPECT_EQ(DecodePath(path, nullptr)->data(), path.data());
}

}  // namespace
}  // namespace uwsgi
