// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "python/api_module.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/user_lock.h"

namespace uwsgi {
namespace {

// The number of the lock that is meant; nullopt: an exception has been raised.
std::optional<int> LockNumber(PyObject* args, const char* format) {
  int number = 0;
  if (PyArg_ParseTuple(args, format, &number) == 0) return std::nullopt;
  if (services().locks == nullptr || !services().locks->Has(number)) {
    Raise(PyExc_ValueError, "Invalid lock number");
    return std::nullopt;
  }
  return number;
}

// lock([number]) -> None: waits. Not noexcept: see GilRelease.
PyObject* Lock(PyObject*, PyObject* args) {
  const auto number = LockNumber(args, "|i:lock");
  if (!number) return nullptr;
  {
    GilRelease unlocked;
    services().locks->Lock(*number);
  }
  Py_RETURN_NONE;
}

// unlock([number]) -> None
PyObject* Unlock(PyObject*, PyObject* args) noexcept {
  const auto number = LockNumber(args, "|i:unlock");
  if (!number) return nullptr;
  services().locks->Unlock(*number);
  Py_RETURN_NONE;
}

// is_locked([number]) -> bool
PyObject* IsLocked(PyObject*, PyObject* args) noexcept {
  const auto number = LockNumber(args, "|i:is_locked");
  if (!number) return nullptr;
  return PyBool_FromLong(services().locks->IsLocked(*number) ? 1 : 0);
}

PyMethodDef kMethods[] = {
    {"lock", Lock, METH_VARARGS, nullptr},
    {"unlock", Unlock, METH_VARARGS, nullptr},
    {"is_locked", IsLocked, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* LockMethods() { return kMethods; }

}  // namespace uwsgi
