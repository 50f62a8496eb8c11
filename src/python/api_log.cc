// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/log.h"
#include "python/api_module.h"
#include "python/call_state.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

// log(msg) -> True. Not noexcept: the log may be a pipe that is full, see GilRelease.
PyObject* LogMessage(PyObject*, PyObject* message) {
  const auto text = AsData(message, "log");
  if (!text) return nullptr;
  {
    const std::string line(*text);  // the bytes of `message` may not be looked at without the GIL
    GilRelease unlocked;
    LogLine(line);
  }
  Py_RETURN_TRUE;
}

// logsize() -> int: bytes of the log when it is a file
PyObject* LogSize(PyObject*, PyObject*) noexcept {
  struct stat facts {};
  const bool is_file = ::fstat(STDERR_FILENO, &facts) == 0 && S_ISREG(facts.st_mode);
  return PyLong_FromLongLong(is_file ? facts.st_size : 0);
}

// log_this_request() -> None
PyObject* LogThisRequest(PyObject*, PyObject*) noexcept {
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  call->request.log_always = true;
  Py_RETURN_NONE;
}

std::string* FindLogVar(Request& request, ByteView name) {
  for (auto& [known, value] : request.log_vars) {
    if (known == name) return &value;
  }
  return nullptr;
}

// set_logvar(name, value) -> None
PyObject* SetLogVar(PyObject*, PyObject* args) noexcept {
  PyObject *name_object = nullptr, *value_object = nullptr;
  if (!PyArg_ParseTuple(args, "OO:set_logvar", &name_object, &value_object)) return nullptr;
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  const auto name = AsData(name_object, "set_logvar");
  const auto value = name ? AsData(value_object, "set_logvar") : std::nullopt;
  if (!value) return nullptr;
  if (std::string* const known = FindLogVar(call->request, *name)) {
    *known = *value;
  } else {
    call->request.log_vars.emplace_back(*name, *value);
  }
  Py_RETURN_NONE;
}

// get_logvar(name) -> bytes or None
PyObject* GetLogVar(PyObject*, PyObject* name_object) noexcept {
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  const auto name = AsData(name_object, "get_logvar");
  if (!name) return nullptr;
  const std::string* const value = FindLogVar(call->request, *name);
  if (value == nullptr) Py_RETURN_NONE;
  return ToBytes(*value).Release();
}

PyMethodDef kMethods[] = {
    {"log", LogMessage, METH_O, nullptr},
    {"logsize", LogSize, METH_NOARGS, nullptr},
    {"log_this_request", LogThisRequest, METH_NOARGS, nullptr},
    {"set_logvar", SetLogVar, METH_VARARGS, nullptr},
    {"get_logvar", GetLogVar, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* LogMethods() { return kMethods; }

}  // namespace uwsgi
