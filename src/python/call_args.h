// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/bytes.h"
#include "python/py_ref.h"

namespace uwsgi {

// The positional arguments of a function with METH_FASTCALL. Views into them stay valid during the
// call, also while the GIL is released. What fails has raised an exception.
class CallArgs {
 public:
  CallArgs(const char* function, PyObject* const* args, Py_ssize_t count)
      : function_(function), args_(args), count_(count) {}

  // TypeError unless there are so many.
  [[nodiscard]] bool HasBetween(Py_ssize_t least, Py_ssize_t most) const;
  [[nodiscard]] Py_ssize_t count() const { return count_; }
  [[nodiscard]] PyObject* at(Py_ssize_t index) const { return args_[index]; }

  // A str or bytes; `otherwise` when it is not given.
  [[nodiscard]] std::optional<ByteView> Data(Py_ssize_t index) const;
  [[nodiscard]] std::optional<ByteView> DataOr(Py_ssize_t index, ByteView otherwise) const;
  [[nodiscard]] std::optional<long long> Number(Py_ssize_t index) const;
  [[nodiscard]] std::optional<long long> NumberOr(Py_ssize_t index, long long otherwise) const;

 private:
  const char* function_;
  PyObject* const* args_;
  Py_ssize_t count_;
};

// True, or None: how many functions of the module say whether they succeeded.
inline PyObject* TrueOrNone(bool value) {
  if (value) Py_RETURN_TRUE;
  Py_RETURN_NONE;
}

}  // namespace uwsgi
