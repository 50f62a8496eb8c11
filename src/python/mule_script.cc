// SPDX-License-Identifier: Apache-2.0
#include "python/mule_script.h"

#include <signal.h>

#include <array>

#include "base/file.h"
#include "base/log.h"
#include "net/signal_source.h"
#include "python/convert.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

constexpr std::array kEndingSignals = {SIGHUP, SIGINT, SIGTERM};

PyObject* RaiseExit(PyObject*, PyObject*) noexcept {
  PyErr_SetObject(PyExc_SystemExit, PyRef::Steal(PyLong_FromLong(0)).get());
  return nullptr;
}

// The handlers of Python while it lives; afterwards those that the process had.
class EndingSignals {
 public:
  EndingSignals() {
    for (size_t i = 0; i < kEndingSignals.size(); ++i)
      ::sigaction(kEndingSignals[i], nullptr, &before_[i]);
    static PyMethodDef definition = {"end_process", RaiseExit, METH_VARARGS, nullptr};
    const PyRef handler = PyRef::Steal(PyCFunction_New(&definition, nullptr));
    const PyRef module = PyRef::Steal(PyImport_ImportModule("_signal"));
    for (const int signal : kEndingSignals) {
      if (!handler || !module) break;
      const PyRef set =
          PyRef::Steal(PyObject_CallMethod(module.get(), "signal", "iO", signal, handler.get()));
    }
    PyErr_Clear();
    UnblockSignals();
  }
  ~EndingSignals() {
    const SignalMask none_between;
    for (size_t i = 0; i < kEndingSignals.size(); ++i)
      ::sigaction(kEndingSignals[i], &before_[i], nullptr);
  }
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;

 private:
  const SignalMask mask_;
  std::array<struct sigaction, kEndingSignals.size()> before_{};
};

// As the interpreter would do it with the code of a SystemExit.
int StatusOf(PyObject* exit) {
  const PyRef code = PyRef::Steal(PyObject_GetAttrString(exit, "code"));
  PyErr_Clear();
  if (!code || code.get() == Py_None) return 0;
  if (PyLong_Check(code.get())) {
    const auto status = static_cast<int>(PyLong_AsLong(code.get()) & 0xff);
    PyErr_Clear();  // -1 for a number that is too great, as the interpreter has it
    return status;
  }
  const PyRef text = PyRef::Steal(PyObject_Str(code.get()));
  PyErr_Clear();
  LogRaw((text ? ToLogText(text.get()) : ReprText(code.get())) + "\n");
  return 1;
}

bool RunFileAsMain(const std::string& path) {
  const auto code = ReadFile(path);
  if (!code) {
    Raise(PyExc_OSError, code.error().text());
    return false;
  }
  const PyRef file_name = ToText(path);
  const PyRef compiled = file_name
                             ? PyRef::Steal(Py_CompileStringObject(code->c_str(), file_name.get(),
                                                                   Py_file_input, nullptr, -1))
                             : PyRef();
  PyObject* const main = PyImport_AddModule("__main__");
  if (!compiled || main == nullptr) return false;
  PyObject* const names = PyModule_GetDict(main);
  if (PyDict_SetItemString(names, "__file__", file_name.get()) != 0) return false;
  return static_cast<bool>(PyRef::Steal(PyEval_EvalCode(compiled.get(), names, names)));
}

bool CallNamed(const std::string& module_name, const std::string& callable) {
  const PyRef module = PyRef::Steal(PyImport_ImportModule(module_name.c_str()));
  if (!module) return false;
  const PyRef function = PyRef::Steal(PyObject_GetAttrString(module.get(), callable.c_str()));
  return function && PyRef::Steal(PyObject_CallNoArgs(function.get()));
}

}  // namespace

std::optional<int> RunUntilToldToEnd(UniqueFunction<bool()> run) {
  const EndingSignals signals;
  // The second look is for what came with the last instruction.
  if (run() && PyErr_CheckSignals() == 0) return std::nullopt;
  if (PyErr_ExceptionMatches(PyExc_SystemExit) != 0) return StatusOf(TakeException().get());
  LogException();
  return std::nullopt;
}

bool RunAsMain(const std::string& program) {
  const size_t colon = program.rfind(':');
  if (colon == std::string::npos || program.find('/') != std::string::npos)
    return RunFileAsMain(program);
  return CallNamed(program.substr(0, colon), program.substr(colon + 1));
}

}  // namespace uwsgi
