// SPDX-License-Identifier: Apache-2.0
#include "request/body_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "testing/connection_harness.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

std::string ReadAll(BodySource& body, size_t piece_size) {
  std::string all;
  std::string piece(piece_size, '\0');
  for (;;) {
    const auto got = body.Read(piece.data(), piece_size);
    if (!got) return all + "!";
    if (*got == 0) return all;
    all.append(piece, 0, *got);
  }
}

TEST(BodySource, WithoutABodyIsAtItsEnd) {
  BodySource body;
  EXPECT_TRUE(body.AtEnd());
  EXPECT_EQ(body.length(), 0U);
  EXPECT_EQ(ReadAll(body, 10), "");
}

TEST(BodySource, ReadsMemoryInPiecesAndAgain) {
  BodySource body;
  body.SetMemory("0123456789");
  EXPECT_TRUE(body.in_memory());
  EXPECT_EQ(ReadAll(body, 3), "0123456789");
  EXPECT_TRUE(body.AtEnd());
  EXPECT_EQ(body.consumed(), 10U);
  ASSERT_TRUE(body.Seek(8));
  EXPECT_EQ(body.rest_in_memory(), "89");
  EXPECT_EQ(ReadAll(body, 3), "89");
  EXPECT_FALSE(body.Seek(11));
}

TEST(BodySource, ReadsAFileInPiecesAndAgain) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "body", "0123456789"));
  const UniqueFd file(::open((folder / "body").c_str(), O_RDONLY | O_CLOEXEC));
  BodySource body;
  body.SetFile(file.get(), 10);
  EXPECT_EQ(ReadAll(body, 4), "0123456789");
  ASSERT_TRUE(body.Seek(5));
  EXPECT_EQ(ReadAll(body, 100), "56789");
}

TEST(BodySource, AFileThatIsTooShortIsAnErrorForGood) {
  const TempDir folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "body", "0123"));
  const UniqueFd file(::open((folder / "body").c_str(), O_RDONLY | O_CLOEXEC));
  BodySource body;
  body.SetFile(file.get(), 10);
  EXPECT_EQ(ReadAll(body, 100), "0123!");
  EXPECT_EQ(ReadAll(body, 100), "!");
}

struct StreamTest : testing::Test {
  static RequestSpec SmallMemory() {
    RequestSpec spec;
    spec.body_in_memory = 4;
    spec.socket_timeout_ms = 1;
    return spec;
  }
  // What an application reads from a request, which is all that the client sends before it ends.
  std::string Stream(std::string_view request, size_t piece_size) {
    std::string read;
    ConnectionHarness harness(
        [&](Request& incoming, Response& response) {
          EXPECT_EQ(incoming.body.kind(), BodySource::Kind::kStream);
          EXPECT_FALSE(incoming.body.seekable());
          EXPECT_FALSE(incoming.body.Seek(0));
          read = ReadAll(incoming.body, piece_size);
          at_end = incoming.body.AtEnd();
          response.Plain(200, "ok");
        },
        SmallMemory());
    harness.Send(request);
    harness.Pump();
    return read;
  }
  bool at_end = false;
};

TEST_F(StreamTest, ReadsABodyOfKnownLength) {
  for (const size_t piece : {1, 7, 1000, 100'000}) {
    const std::string body(40'000, 's');
    EXPECT_EQ(Stream("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + body, piece),
              body);
    EXPECT_TRUE(at_end);
  }
}

TEST_F(StreamTest, ReadsChunksOfUnknownLength) {
  for (const size_t piece : {1, 3, 1000}) {
    EXPECT_EQ(Stream("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\n01234\r\n5;x=y\r\n56789\r\n3\r\nabc\r\n0\r\n\r\n",
                     piece),
              "0123456789abc");
    EXPECT_TRUE(at_end);
  }
}

TEST_F(StreamTest, ABrokenChunkIsAnErrorBehindTheGoodOnes) {
  EXPECT_EQ(Stream("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\n01234\r\n1\r\nx\r\nZZ\r\n",
                   100),
            "01234!");
}

TEST_F(StreamTest, AClientThatSendsNoMoreIsAnError) {
  EXPECT_EQ(Stream("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234", 100), "01234!");
  EXPECT_FALSE(at_end);
}

}  // namespace
}  // namespace uwsgi
