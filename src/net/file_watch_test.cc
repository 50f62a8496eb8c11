// SPDX-License-Identifier: Apache-2.0
#include "net/file_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

namespace fs = std::filesystem;

void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct FileWatchTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<EventLoop> loop = EventLoop::Create(clock).value();
  TempDir dir;
  std::vector<std::string> seen;
  std::unique_ptr<FileWatch> watch = FileWatch::Create(*loop);

  FileWatchId Add(const std::string& path) {
    return watch->Add(path, [this](FileChange change) { seen.emplace_back(NameOf(change)); });
  }
  // What was told since the last time; inotify's news are there as soon as the change is made.
  std::vector<std::string> News() {
    for (int turn = 0; turn < 3; ++turn) loop->RunOnce(0);
    return std::exchange(seen, {});
  }
  std::vector<std::string> NewsAfterASecond() {
    clock.Advance(1'000'000);
    return News();
  }
};

using Words = std::vector<std::string>;

TEST_F(FileWatchTest, TellsOfWritingTouchingAndDeleting) {
  Write(dir / "a", "1");
  Add(dir / "a");
  EXPECT_EQ(News(), Words{});
  std::ofstream(dir / "a", std::ios::app) << "2";
  EXPECT_EQ(News(), Words{"modified"});
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir / "a").c_str(), nullptr, 0), 0);
  EXPECT_EQ(News(), Words{"touched"});
  fs::remove(dir / "a");
  EXPECT_EQ(News(), Words{"deleted"});
  EXPECT_EQ(NewsAfterASecond(), Words{});
}

TEST_F(FileWatchTest, FollowsThePathWhenAnotherFileIsRenamedOverIt) {
  Write(dir / "a", "1");
  Add(dir / "a");
  for (int i = 0; i < 3; ++i) {
    Write(dir / "new", "2");
    fs::rename(dir / "new", dir / "a");
    EXPECT_EQ(News(), Words{"replaced"});
    std::ofstream(dir / "a", std::ios::app) << "3";
    EXPECT_EQ(News(), Words{"modified"});
  }
}

TEST_F(FileWatchTest, AMissingFileMayAppearWithItsDirectories) {
  Add(dir / "x/y/a");
  fs::create_directories(dir / "x/y");
  EXPECT_EQ(News(), Words{});
  Write(dir / "x/y/a", "1");
  EXPECT_EQ(News(), Words{"created"});
  fs::remove_all(dir / "x");
  EXPECT_EQ(News(), Words{"deleted"});
  fs::create_directories(dir / "x/y");
  Write(dir / "x/y/a", "1");
  EXPECT_EQ(News(), Words{"created"});
}

TEST_F(FileWatchTest, TellsOfWhatHappensInADirectory) {
  fs::create_directory(dir / "d");
  Add(dir / "d");
  Write(dir / "d/a", "1");
  EXPECT_EQ(News(), Words{"modified"});
  fs::rename(dir / "d/a", dir / "d/b");
  EXPECT_EQ(News(), Words{"modified"});
  fs::remove(dir / "d/b");
  EXPECT_EQ(News(), Words{"modified"});
  fs::rename(dir / "d", dir / "e");
  EXPECT_EQ(News(), Words{"deleted"});
}

TEST_F(FileWatchTest, NeighboursAreOfNoInterest) {
  Write(dir / "a", "1");
  Add(dir / "a");
  Write(dir / "b", "1");
  fs::remove(dir / "b");
  EXPECT_EQ(News(), Words{});
}

TEST_F(FileWatchTest, ALookEachSecondFindsALinkFurtherUpThatWasTurned) {
  fs::create_directories(dir / "releases/1");
  fs::create_directories(dir / "releases/2");
  Write(dir / "releases/1/a", "1");
  Write(dir / "releases/2/a", "2");
  fs::create_directory_symlink(dir / "releases/1", dir / "current");
  Add(dir / "current/a");
  fs::create_directory_symlink(dir / "releases/2", dir / "next");
  fs::rename(dir / "next", dir / "current");
  EXPECT_EQ(NewsAfterASecond(), Words{"replaced"});
  std::ofstream(dir / "releases/2/a", std::ios::app) << "3";
  EXPECT_EQ(News(), Words{"modified"});
}

TEST_F(FileWatchTest, TheSameFileMayBeWatchedTwice) {
  Write(dir / "a", "1");
  const FileWatchId first = Add(dir / "a");
  Add(dir / "a");
  Write(dir / "a", "");
  EXPECT_EQ(News(), (Words{"modified", "modified"}));
  watch->Remove(first);
  watch->Remove(first);
  std::ofstream(dir / "a", std::ios::app) << "3";
  EXPECT_EQ(News(), Words{"modified"});
}

TEST_F(FileWatchTest, AChangeThatALookHasFoundFirstIsToldOnce) {
  Write(dir / "a", "1");
  Add(dir / "a");
  for (int i = 0; i < 3; ++i) {
    std::ofstream(dir / "a", std::ios::app) << "2";
    watch->LookAtAll();
    EXPECT_EQ(std::exchange(seen, {}), Words{"modified"});
    EXPECT_EQ(News(), Words{});
    std::ofstream(dir / "a", std::ios::app) << "3";
    EXPECT_EQ(News(), Words{"modified"});
  }
}

TEST_F(FileWatchTest, WhatChangedWhileNobodyWatchedIsToldAgainstTheStateOfBefore) {
  const FileWatchId missing = Add(dir / "a");
  const std::string nothing = watch->StateOf(missing);
  EXPECT_FALSE(watch->Exists(missing));
  Write(dir / "a", "1");
  EXPECT_EQ(News(), Words{"created"});
  EXPECT_TRUE(watch->Exists(missing));
  const std::string first = watch->StateOf(missing);
  watch->Remove(missing);

  const auto note = [this](FileChange change) { seen.emplace_back(NameOf(change)); };
  FileWatchId id = watch->AddSince(first, dir / "a", note);
  EXPECT_EQ(News(), Words{});
  watch->Remove(id);
  Write(dir / "a", "22");
  id = watch->AddSince(first, dir / "a", note);
  EXPECT_EQ(News(), Words{"modified"});
  watch->Remove(id);
  id = watch->AddSince(nothing, dir / "a", note);
  EXPECT_EQ(News(), Words{"created"});
  EXPECT_EQ(NewsAfterASecond(), Words{});
  watch->Remove(id);
  fs::remove(dir / "a");
  watch->AddSince(first, dir / "a", note);
  EXPECT_EQ(News(), Words{"deleted"});
}

TEST_F(FileWatchTest, ACallbackMayRemoveItself) {
  Write(dir / "a", "1");
  FileWatchId id = 0;
  id = watch->Add(dir / "a", [&, text = std::string("a text that is not short")](FileChange) {
    watch->Remove(id);
    seen.push_back(text);
  });
  Write(dir / "a", "22");
  EXPECT_EQ(News(), Words{"a text that is not short"});
  Write(dir / "a", "333");
  EXPECT_EQ(News(), Words{});
  EXPECT_EQ(NewsAfterASecond(), Words{});
}

}  // namespace
}  // namespace uwsgi
