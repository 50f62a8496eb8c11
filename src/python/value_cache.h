// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/bytes.h"
#include "python/py_ref.h"
#include "wire/cgi_names.h"

namespace uwsgi {

// The str objects of one core thread's recent requests. Most variables repeat from request to
// request (method, host, user agent ...): their object is used again when the bytes are the same.
// Used with the GIL held.
class ValueCache {
 public:
  // A str of these bytes, borrowed: valid until the next call. nullptr with the Python exception
  // set when memory ran out.
  PyObject* Value(CgiName id, ByteView bytes) {
    PyRef& slot = values_[static_cast<size_t>(id)];
    if (slot && Same(slot.get(), bytes)) return slot.get();
    return Remember(slot, bytes);
  }
  // The same for a variable outside the list of known names; `name` and `value` may come from
  // anybody.
  struct Pair {
    PyObject* name;
    PyObject* value;
  };
  Pair Unknown(ByteView name, ByteView value);

 private:
  static constexpr size_t kUnknownSlots = 64;
  static constexpr size_t kLongest =
      512;  // longer values are not kept: they are rare, and clients choose them

  static bool Same(PyObject* text, ByteView bytes) {
    const auto* const characters = reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text));
    return ByteView(characters, static_cast<size_t>(PyUnicode_GET_LENGTH(text))) == bytes;
  }
  PyObject* Remember(PyRef& slot, ByteView bytes);

  struct UnknownSlot {
    PyRef name;
    PyRef value;
  };
  std::array<PyRef, static_cast<size_t>(CgiName::kCount)> values_;
  std::array<UnknownSlot, kUnknownSlots> unknown_;
  PyRef long_name_;
  PyRef long_value_;
};

}  // namespace uwsgi
