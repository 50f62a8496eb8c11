// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "python/py.h"

namespace uwsgi {

// Owner of one reference to a Python object, or of none. Made, moved over and destroyed with the
// GIL held.
class PyRef {
 public:
  PyRef() = default;
  // Takes over a reference that a C-API function returned (nullptr when it failed).
  static PyRef Steal(PyObject* object) { return PyRef(object); }
  // Adds a reference to an object that somebody else owns.
  static PyRef Borrow(PyObject* object) {
    Py_XINCREF(object);
    return PyRef(object);
  }

  PyRef(PyRef&& other) noexcept : object_(other.Release()) {}
  PyRef& operator=(PyRef&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  PyRef(const PyRef&) = delete;
  PyRef& operator=(const PyRef&) = delete;
  ~PyRef() { Py_XDECREF(object_); }

  [[nodiscard]] PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // Gives the reference away.
  [[nodiscard]] PyObject* Release() { return std::exchange(object_, nullptr); }
  // The destructor of the old object may run Python code, which must not find it here any more.
  void Reset(PyObject* object = nullptr) { Py_XDECREF(std::exchange(object_, object)); }

 private:
  explicit PyRef(PyObject* object) : object_(object) {}
  PyObject* object_ = nullptr;
};

}  // namespace uwsgi
