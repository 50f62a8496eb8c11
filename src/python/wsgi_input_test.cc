// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_input.h"

#include <fcntl.h>

#include "base/file.h"
#include "python/interpreter_for_tests.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

constexpr std::string_view kBody = "ab\ncd\nefg";

// The same expressions on a body in memory and on one in a file, which takes the way of streamed
// ones.
class WsgiInput : public PythonTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      request_.body.SetMemory(kBody);
    } else {
      const std::string path = (folder_.path() / "body").string();
      ASSERT_TRUE(WriteFileAtomically(path, kBody));
      file_ = std::move(OpenFile(path, O_RDONLY)).value();
      request_.body.SetFile(file_.get(), kBody.size());
    }
    request_.connection_fd = 5;
    input_ = MakeInput(request_, {});
  }
  std::string On(const std::string& expression) {
    return Eval("(lambda i: " + expression + ")(given)", input_.get());
  }

  TempDir folder_;
  UniqueFd file_;
  Request request_;
  PyRef input_;
};

TEST_P(WsgiInput, ReadsAllThenNothing) {
  EXPECT_EQ(On("(i.read(), i.read())"), "(b'ab\\ncd\\nefg', b'')");
}

TEST_P(WsgiInput, TakesNoneAndNegativeSizesForEverything) {
  EXPECT_EQ(On("(i.read(3), i.read(None), i.read(-1))"), "(b'ab\\n', b'cd\\nefg', b'')");
}

TEST_P(WsgiInput, NeverReadsBeyondTheBody) {
  EXPECT_EQ(On("(i.read(100), i.read(100))"), "(b'ab\\ncd\\nefg', b'')");
}

TEST_P(WsgiInput, AcceptsSizeByKeyword) { EXPECT_EQ(On("i.read(size=2)"), "b'ab'"); }

TEST_P(WsgiInput, ReadsLines) {
  EXPECT_EQ(On("(i.readline(), i.readline(), i.readline(), i.readline())"),
            "(b'ab\\n', b'cd\\n', b'efg', b'')");
}

TEST_P(WsgiInput, HonoursTheSizeOfALine) {
  EXPECT_EQ(On("(i.readline(2), i.readline(2), i.readline(9))"), "(b'ab', b'\\n', b'cd\\n')");
}

TEST_P(WsgiInput, HonoursTheHintOfLines) {
  EXPECT_EQ(On("(i.readlines(1), i.readlines())"), "([b'ab\\n'], [b'cd\\n', b'efg'])");
}

TEST_P(WsgiInput, IteratesOverLines) {
  EXPECT_EQ(On("(iter(i) is i, list(i), list(i))"), "(True, [b'ab\\n', b'cd\\n', b'efg'], [])");
}

TEST_P(WsgiInput, MixesLinesAndBytes) {
  EXPECT_EQ(On("(next(i), i.tell(), i.read(1), i.tell(), i.readline(), i.read())"),
            "(b'ab\\n', 3, b'c', 4, b'd\\n', b'efg')");
}

TEST_P(WsgiInput, Seeks) {
  EXPECT_EQ(
      On("(i.read(4), i.seek(1), i.read(2), i.seek(-3, 2), i.read(), i.seek(-1, 1), i.read())"),
      "(b'ab\\nc', None, b'b\\n', None, b'efg', None, b'g')");
  EXPECT_EQ(On("i.seek(10)"), "OSError: invalid seek position for wsgi.input");
  EXPECT_EQ(On("i.seek(-1)"), "OSError: invalid seek position for wsgi.input");
}

TEST_P(WsgiInput, RaisesOnceItsRequestHasEnded) {
  DetachInput(input_.get());
  EXPECT_EQ(On("i.read()"), "ValueError: I/O operation on wsgi.input of a request that has ended");
  EXPECT_EQ(On("i.fileno()"),
            "ValueError: I/O operation on wsgi.input of a request that has ended");
}

TEST_P(WsgiInput, IsNotReusedWhileTheApplicationKeepsIt) {
  const PyRef kept = PyRef::Borrow(input_.get());
  DetachInput(kept.get());
  input_ = MakeInput(request_, std::move(input_));
  EXPECT_NE(input_.get(), kept.get());
}

INSTANTIATE_TEST_SUITE_P(InMemory, WsgiInput, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(InAFile, WsgiInput, testing::Values(false));

}  // namespace
}  // namespace uwsgi
