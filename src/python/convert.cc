// SPDX-License-Identifier: Apache-2.0
#include "python/convert.h"

#include <fmt/format.h>

#include "python/py_error.h"

namespace uwsgi {

PyRef ToText(ByteView bytes) {
  return PyRef::Steal(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), "surrogateescape"));
}

PyRef ToName(const char* text) { return PyRef::Steal(PyUnicode_InternFromString(text)); }

std::optional<ByteView> AsLatin1(PyObject* object) {
  if (!PyUnicode_Check(object)) return std::nullopt;
#if PY_VERSION_HEX < 0x030c0000
  if (PyUnicode_READY(object) != 0) {
    PyErr_Clear();
    return std::nullopt;
  }
#endif
  if (PyUnicode_KIND(object) != PyUnicode_1BYTE_KIND) return std::nullopt;
  return ByteView(reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(object)),
                  static_cast<size_t>(PyUnicode_GET_LENGTH(object)));
}

std::optional<ByteView> AsData(PyObject* object, const char* function) {
  if (PyBytes_Check(object)) return AsView(object);
  if (PyUnicode_Check(object)) {
    Py_ssize_t size = 0;
    const char* const text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == nullptr) return std::nullopt;
    return ByteView(text, static_cast<size_t>(size));
  }
  Raise(PyExc_TypeError,
        fmt::format("{}(): a str or bytes is needed, not {}", function, Py_TYPE(object)->tp_name));
  return std::nullopt;
}

int PathConverter(PyObject* object, void* into) noexcept {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(object, &encoded) == 0) return 0;
  const PyRef bytes = PyRef::Steal(encoded);
  static_cast<std::string*>(into)->assign(AsView(bytes.get()));
  return 1;
}

std::string TextOrEmpty(PyObject* object) {
  Py_ssize_t size = 0;
  const char* const text = object != nullptr && PyUnicode_Check(object)
                               ? PyUnicode_AsUTF8AndSize(object, &size)
                               : nullptr;
  PyErr_Clear();
  return text != nullptr ? std::string(text, static_cast<size_t>(size)) : std::string();
}

std::string ToLogText(PyObject* text) {
  const PyRef encoded = PyRef::Steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!encoded) {
    PyErr_Clear();
    return "?";
  }
  return std::string(AsView(encoded.get()));
}

std::string ReprText(PyObject* object) {
  const PyRef repr = PyRef::Steal(PyObject_Repr(object));
  if (!repr) {
    PyErr_Clear();
    return fmt::format("<{} object>", Py_TYPE(object)->tp_name);
  }
  return ToLogText(repr.get());
}

}  // namespace uwsgi
