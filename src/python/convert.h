// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "python/py_ref.h"

// Bytes and text across the border. Everything here needs the GIL; new references are empty after a
// failure, with the Python exception set.
namespace uwsgi {

// PEP 3333's str of bytes: each byte becomes the code point of the same number.
inline PyRef ToNativeStr(ByteView bytes) {
  return PyRef::Steal(
      PyUnicode_DecodeLatin1(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
}
inline PyRef ToBytes(ByteView bytes) {
  return PyRef::Steal(
      PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size())));
}
// UTF-8, bytes that are none kept by surrogateescape: for names and paths.
PyRef ToText(ByteView bytes);
// An interned str, for names that are looked up often.
PyRef ToName(const char* text);

// The latin-1 bytes inside a str, valid as long as it lives; nullopt for anything else and for text
// beyond latin-1.
std::optional<ByteView> AsLatin1(PyObject* object);
inline ByteView AsView(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes))};
}

// "Data" arguments of the uwsgi module: str (as UTF-8) or bytes. nullopt: TypeError has been raised
// in the name of `function`.
std::optional<ByteView> AsData(PyObject* object, const char* function);
// For PyArg_Parse's "O&": a str, bytes or path-like object as file system bytes. `into` is a
// std::string.
int PathConverter(PyObject* object, void* into) noexcept;

// A str as UTF-8; empty for anything else, none at all and text beyond UTF-8. No exception is left.
std::string TextOrEmpty(PyObject* object);
// A str as UTF-8 whatever is in it, unencodable code points as backslash escapes.
std::string ToLogText(PyObject* text);
// repr(object), or the type's name when that raises.
std::string ReprText(PyObject* object);

}  // namespace uwsgi
