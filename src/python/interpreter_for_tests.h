// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/python_runtime.h"

namespace uwsgi {

// Nobody around: what a process without a master sees.
class LonelyControl final : public ProcessControl {
 public:
  [[nodiscard]] int worker_id() const override { return 7; }
  [[nodiscard]] int mule_id() const override { return 0; }
  [[nodiscard]] bool is_spooler() const override { return false; }
  [[nodiscard]] pid_t master_pid() const override { return 0; }
  [[nodiscard]] std::vector<WorkerInfo> workers() const override {
    return {{.id = 1, .status = "idle"}};
  }
  [[nodiscard]] uint64_t total_requests() const override { return 12; }
  [[nodiscard]] uint64_t core_requests(int) const override { return 3; }
  bool Reload() override { return false; }
  void TellOfNewCode() override {}
  bool Stop() override { return true; }
  bool SetUserHarakiri(int, int) override { return false; }
  void SetAccepting(bool) override {}
  void SetProcessTitle(const std::string&) override {}
};

// A test that has the one interpreter of the test program, with the GIL held.
class PythonTest : public testing::Test {
 protected:
  static ServerFacts Facts() {
    ServerFacts facts{.processes = 2, .threads = 1, .hostname = "host"};
    facts.options = {{"http", ":1"}, {"env", "A=1"}, {"env", "B=2"}, {"master", "", false}};
    facts.magic = {{'n', "name"}};
    return facts;
  }
  static LanguageRuntime& runtime() {
    static const ServerFacts facts = Facts();
    static LonelyControl control;
    static const Services services;
    static LanguageRuntime* const started = [] {
      LanguageRuntime* const made = MakePythonRuntime({}, facts, control, services).release();
      const Status status = made->Start();
      if (!status) ADD_FAILURE() << status.error().text();
      return made;
    }();
    return *started;
  }

  // repr() of an expression that may use `given`, or "Type: text" of what it raises.
  static std::string Eval(const std::string& expression, PyObject* given = Py_None) {
    const PyRef names = PyRef::Steal(Py_BuildValue("{s:O}", "given", given));
    PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins());
    const PyRef uwsgi = PyRef::Steal(PyImport_ImportModule("uwsgi"));
    PyDict_SetItemString(names.get(), "uwsgi", uwsgi.get());
    const PyRef result =
        PyRef::Steal(PyRun_String(expression.c_str(), Py_eval_input, names.get(), names.get()));
    if (result) return ReprText(result.get());
    const PyRef exception = TakeException();
    const PyRef text = PyRef::Steal(PyObject_Str(exception.get()));
    return std::string(Py_TYPE(exception.get())->tp_name) + ": " + ToLogText(text.get());
  }

 private:
  LanguageRuntime& started_ = runtime();
  GilLock locked_;
};

}  // namespace uwsgi
