// SPDX-License-Identifier: Apache-2.0
#include "request/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

struct Chunk {
  std::string bytes;
  int references = 0;
  ChunkOwner owner() {
    return {this, [](void* chunk) { ++static_cast<Chunk*>(chunk)->references; },
            [](void* chunk) { --static_cast<Chunk*>(chunk)->references; }};
  }
};

struct OutputTest : testing::Test {
  std::string Drain() const {
    std::string all;
    char bytes[65536];
    ssize_t got = 0;
    while ((got = ::recv(sockets.second.get(), bytes, sizeof bytes, 0)) > 0)
      all.append(bytes, static_cast<size_t>(got));
    return all;
  }
  // Flushes and reads in turns until everything has gone.
  std::string FlushAll() {
    std::string all;
    int error = 0;
    FlushResult result = FlushResult::kWouldBlock;
    while (result != FlushResult::kDone && result != FlushResult::kError) {
      result = output.Flush(sockets.first.get(), error);
      all += Drain();
    }
    EXPECT_EQ(result, FlushResult::kDone);
    return all;
  }
  UniqueFd MakeFile(const std::string& bytes) {
    const std::string path = folder / "file";
    EXPECT_TRUE(WriteFileAtomically(path, bytes));
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }

  TempDir folder;
  FdPair sockets = std::move(MakeSocketPair(SOCK_STREAM)).value();
  Output output;
};

TEST_F(OutputTest, KeepsTheOrderOfBytesChunksAndFiles) {
  Chunk chunk{std::string(500'000, 'c')};
  const std::string file(300'000, 'f');
  output.AppendCopy("head ");
  output.Append(chunk.bytes, chunk.owner());
  output.AppendCopy(" middle ");
  output.AppendFile(MakeFile("__" + file), 2, file.size());
  output.AppendCopy(" tail");
  EXPECT_EQ(FlushAll(), "head " + chunk.bytes + " middle " + file + " tail");
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(output.pending_bytes(), 0U);
}

TEST_F(OutputTest, HoldsAChunkUntilItHasGone) {
  Chunk chunk{std::string(500'000, 'c')};
  output.Append(chunk.bytes, chunk.owner());
  EXPECT_EQ(chunk.references, 1);
  int error = 0;
  EXPECT_EQ(output.Flush(sockets.first.get(), error), FlushResult::kWouldBlock);
  EXPECT_EQ(chunk.references, 1);
  EXPECT_EQ(FlushAll().size(), chunk.bytes.size());
  EXPECT_EQ(chunk.references, 0);
}

TEST_F(OutputTest, CopiesASmallChunk) {
  Chunk chunk{"small"};
  output.Append(chunk.bytes, chunk.owner());
  EXPECT_EQ(chunk.references, 0);
  chunk.bytes = "gone!";
  EXPECT_EQ(FlushAll(), "small");
}

TEST_F(OutputTest, GivesChunksBackWhenCleared) {
  Chunk chunk{std::string(10'000, 'c')};
  output.Append(chunk.bytes, chunk.owner());
  output.Clear();
  EXPECT_EQ(chunk.references, 0);
  EXPECT_TRUE(output.empty());
}

TEST_F(OutputTest, AppendsBehindAPartlySentCopy) {
  const std::string large(400'000, 'l');
  output.AppendCopy(large);
  int error = 0;
  ASSERT_EQ(output.Flush(sockets.first.get(), error), FlushResult::kWouldBlock);
  output.AppendCopy("more");
  EXPECT_EQ(FlushAll(), large + "more");
}

TEST_F(OutputTest, TellsThatThePeerIsGone) {
  sockets.second.Reset();
  output.AppendCopy("bytes");
  int error = 0;
  EXPECT_EQ(output.Flush(sockets.first.get(), error), FlushResult::kError);
  EXPECT_EQ(error, EPIPE);
}

TEST_F(OutputTest, AFileThatBecameShorterIsAnError) {
  output.AppendFile(MakeFile("short"), 0, 10);
  int error = 0;
  EXPECT_EQ(output.Flush(sockets.first.get(), error), FlushResult::kError);
  EXPECT_EQ(Drain(), "short");
}

// Whoever reads as fast as the file is sent must not keep the loop from the others.
TEST_F(OutputTest, SendsALimitedPartOfAFileAtOnce) {
  const std::string bytes(Output::kFileBytesInARow + 5'000'000, 'f');
  const UniqueFd fast_reader(
      ::open((folder / "out").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  output.AppendFile(MakeFile(bytes), 0, bytes.size());
  int error = 0;
  EXPECT_EQ(output.Flush(fast_reader.get(), error), FlushResult::kEnough);
  EXPECT_LT(::lseek(fast_reader.get(), 0, SEEK_CUR), static_cast<off_t>(bytes.size()));
  EXPECT_EQ(output.Flush(fast_reader.get(), error), FlushResult::kEnough);
  EXPECT_EQ(output.Flush(fast_reader.get(), error), FlushResult::kDone);
  EXPECT_EQ(ReadFile(folder / "out").value(), bytes);
}

}  // namespace
}  // namespace uwsgi
