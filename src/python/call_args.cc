// SPDX-License-Identifier: Apache-2.0
#include "python/call_args.h"

#include "python/convert.h"

namespace uwsgi {

bool CallArgs::HasBetween(Py_ssize_t least, Py_ssize_t most) const {
  if (count_ >= least && count_ <= most) return true;
  const bool too_few = count_ < least;
  const Py_ssize_t limit = too_few ? least : most;
  PyErr_Format(PyExc_TypeError, "%s() takes %s %zd argument%s (%zd given)", function_,
               least == most ? "exactly" : (too_few ? "at least" : "at most"), limit,
               limit == 1 ? "" : "s", count_);
  return false;
}

std::optional<ByteView> CallArgs::Data(Py_ssize_t index) const {
  return AsData(args_[index], function_);
}

std::optional<ByteView> CallArgs::DataOr(Py_ssize_t index, ByteView otherwise) const {
  return index < count_ ? Data(index) : otherwise;
}

std::optional<long long> CallArgs::Number(Py_ssize_t index) const {
  const long long number = PyLong_AsLongLong(args_[index]);
  if (number == -1 && PyErr_Occurred() != nullptr) return std::nullopt;
  return number;
}

std::optional<long long> CallArgs::NumberOr(Py_ssize_t index, long long otherwise) const {
  return index < count_ ? Number(index) : otherwise;
}

}  // namespace uwsgi
