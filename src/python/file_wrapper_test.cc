// SPDX-License-Identifier: Apache-2.0
#include "python/file_wrapper.h"

#include "base/file.h"
#include "python/interpreter_for_tests.h"
#include "testing/temp_dir.h"

namespace uwsgi {
namespace {

class FileWrapper : public PythonTest {
 protected:
  void SetUp() override { ASSERT_TRUE(WriteFileAtomically(path(), "0123456789")); }
  [[nodiscard]] std::string path() const { return folder_ / "data"; }
  // The value of an expression in which `path` is the file's and `wrap` the wrapper.
  PyRef Value(const std::string& expression) {
    const PyRef text = ToText(path());
    const PyRef names =
        PyRef::Steal(Py_BuildValue("{s:O,s:O}", "path", text.get(), "wrap", FileWrapperType()));
    PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins());
    PyRef value =
        PyRef::Steal(PyRun_String(expression.c_str(), Py_eval_input, names.get(), names.get()));
    EXPECT_TRUE(value) << expression;
    return value;
  }

  TempDir folder_;
};

TEST_F(FileWrapper, FindsTheFileAndItsPosition) {
  const PyRef file = Value("[f := open(path, 'rb'), f.read(4)][0]");
  const OpenedFile opened = FileBehind(file.get());
  EXPECT_TRUE(opened.fd.valid());
  EXPECT_EQ(opened.offset, 4U);
}

TEST_F(FileWrapper, LooksIntoObjectsThatCarryAFile) {
  const PyRef file = Value("__import__('tempfile').NamedTemporaryFile()");
  EXPECT_TRUE(FileBehind(file.get()).fd.valid());
}

TEST_F(FileWrapper, LeavesObjectsThatReadAFileInTheirOwnWayAlone) {
  const PyRef file = Value("type('Upper', (), {'file': open(path, 'rb'), 'read': None})()");
  EXPECT_FALSE(FileBehind(file.get()).fd.valid());
  EXPECT_EQ(PyErr_Occurred(), nullptr);
  const PyRef same =
      Value("(f := open(path, 'rb')) and type('Same', (), {'file': f, 'fileno': f.fileno})()");
  EXPECT_TRUE(FileBehind(same.get()).fd.valid());
}

TEST_F(FileWrapper, LeavesObjectsWhoseBytesAreNotTheFilesAlone) {
  for (const char* expression :
       {"__import__('gzip').open(path)", "open(path)", "__import__('io').BytesIO(b'x')"}) {
    const PyRef file = Value(expression);
    EXPECT_FALSE(FileBehind(file.get()).fd.valid()) << expression;
    EXPECT_EQ(PyErr_Occurred(), nullptr);
  }
}

TEST_F(FileWrapper, IteratesInBlocksAndClosesTheFile) {
  const PyRef wrapper = Value("wrap(open(path, 'rb'), 4)");
  ASSERT_TRUE(IsFileWrapper(wrapper.get()));
  EXPECT_EQ(Eval("(list(given), given.close(), given.closed)", wrapper.get()),
            "([b'0123', b'4567', b'89'], None, True)");
}

TEST_F(FileWrapper, RefusesWhatCannotBeRead) {
  EXPECT_EQ(Eval("given(5)", FileWrapperType()), "AttributeError: object has no attribute 'read'");
}

}  // namespace
}  // namespace uwsgi
