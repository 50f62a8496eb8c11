// SPDX-License-Identifier: Apache-2.0
#include "python/convert.h"

#include "python/interpreter_for_tests.h"

namespace uwsgi {
namespace {

class Convert : public PythonTest {};

TEST_F(Convert, SeesTheBytesOfLatin1Text) {
  const PyRef text = ToNativeStr("caf\xe9");
  EXPECT_EQ(AsLatin1(text.get()), "caf\xe9");
}

TEST_F(Convert, RefusesTextBeyondLatin1AndOtherTypes) {
  const PyRef text = ToText("\xe2\x82\xac");
  EXPECT_EQ(AsLatin1(text.get()), std::nullopt);
  EXPECT_EQ(AsLatin1(Py_None), std::nullopt);
}

TEST_F(Convert, TakesTextAndBytesForData) {
  const PyRef text = ToText("\xe2\x82\xac");
  const PyRef bytes = ToBytes("\xff");
  EXPECT_EQ(AsData(text.get(), "f"), "\xe2\x82\xac");
  EXPECT_EQ(AsData(bytes.get(), "f"), "\xff");
  EXPECT_EQ(AsData(Py_None, "f"), std::nullopt);
  const PyRef exception = TakeException();
  EXPECT_EQ(Eval("str(given)", exception.get()), "'f(): a str or bytes is needed, not NoneType'");
}

TEST_F(Convert, WritesAnyTextToTheLog) {
  const PyRef text = ToText("a\xff");  // surrogateescape makes it a lone surrogate
  EXPECT_EQ(ToLogText(text.get()), "a\\udcff");
}

TEST_F(Convert, DescribesAnExceptionWithItsTraceback) {
  EXPECT_EQ(Eval("1/0"), "ZeroDivisionError: division by zero");
  PyErr_SetString(PyExc_SystemExit, "3");
  const PyRef exception = TakeException();
  EXPECT_EQ(DescribeException(exception.get()), "SystemExit: 3\n");
}

}  // namespace
}  // namespace uwsgi
