// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only door to CPython: nothing else includes Python.h, and nothing outside python/ includes
// this.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x03090000
#error "CPython 3.9 or newer is needed"
#endif
#ifdef Py_GIL_DISABLED
#error "free-threaded builds of CPython are not supported: objects here are guarded by the GIL"
#endif

namespace uwsgi {

// A C function of any of CPython's calling conventions as the one type that PyMethodDef holds.
template <typename Function>
PyCFunction AsCFunction(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace uwsgi
