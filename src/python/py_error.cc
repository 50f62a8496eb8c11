// SPDX-License-Identifier: Apache-2.0
#include "python/py_error.h"

#include "base/log.h"
#include "python/convert.h"

namespace uwsgi {
namespace {

// When the traceback module itself fails, as it may when memory or the stack is exhausted: the
// type's name has to do.
std::string DescribeBriefly(PyObject* exception) {
  PyErr_Clear();
  return std::string(Py_TYPE(exception)->tp_name) + " (no traceback available)\n";
}

}  // namespace

PyRef TakeException() {
#if PY_VERSION_HEX >= 0x030c0000
  return PyRef::Steal(PyErr_GetRaisedException());
#else
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return {};
  PyErr_NormalizeException(&type, &value, &traceback);
  // Without one the exception may still carry frames that the import system has taken out.
  if (value != nullptr) PyException_SetTraceback(value, traceback != nullptr ? traceback : Py_None);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return PyRef::Steal(value);
#endif
}

std::string DescribeException(PyObject* exception) {
  const PyRef module = PyRef::Steal(PyImport_ImportModule("traceback"));
  if (!module) return DescribeBriefly(exception);
  const PyRef traceback = PyRef::Steal(PyException_GetTraceback(exception));
  const PyRef lines =
      PyRef::Steal(PyObject_CallMethod(module.get(), "format_exception", "OOO", Py_TYPE(exception),
                                       exception, traceback ? traceback.get() : Py_None));
  if (!lines) return DescribeBriefly(exception);
  const PyRef nothing = PyRef::Steal(PyUnicode_FromStringAndSize("", 0));
  const PyRef text = PyRef::Steal(PyUnicode_Join(nothing.get(), lines.get()));
  if (!text) return DescribeBriefly(exception);
  return ToLogText(text.get());
}

void LogException() {
  const PyRef exception = TakeException();
  if (!exception) return;
  LogRaw(DescribeException(exception.get()));
}

void LogOrPassOn() {
  if (PyErr_Occurred() != nullptr && PyErr_ExceptionMatches(PyExc_Exception) == 0) return;
  LogException();
}

Error ErrorFromPython() {
  const PyRef exception = TakeException();
  if (!exception) return Error{"unknown Python error"};
  Error error{DescribeException(exception.get())};
  if (PyErr_GivenExceptionMatches(exception.get(), PyExc_KeyboardInterrupt) != 0)
    error.exit_code = kExitInterrupted;
  return error;
}

tl::unexpected<Error> StoppedWhileLoading() {
  return tl::unexpected(
      Error{.message = "SIGINT received while the application was loading: stopped",
            .exit_code = kExitInterrupted});
}

PyObject* Raise(PyObject* type, std::string_view message) {
  const PyRef text = PyRef::Steal(PyUnicode_DecodeUTF8(
      message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace"));
  if (text) PyErr_SetObject(type, text.get());
  return nullptr;
}

}  // namespace uwsgi
