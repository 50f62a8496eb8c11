// SPDX-License-Identifier: Apache-2.0
#include "python/api_module.h"

#include "base/version.h"
#include "python/call_state.h"
#include "python/convert.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "uwsgi", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

bool Add(PyObject* module, const char* name, PyRef value) {
  return value && PyObject_SetAttrString(module, name, value.get()) == 0;
}

PyRef Number(long long value) { return PyRef::Steal(PyLong_FromLongLong(value)); }

// A repeated option becomes a list. compat: keys are str, values bytes, a bare flag is True.
bool AddOption(PyObject* options, const OptionFact& option) {
  const PyRef name = ToText(option.name);
  const PyRef value = option.has_value ? ToBytes(option.value) : PyRef::Borrow(Py_True);
  if (!name || !value) return false;
  PyObject* const known = PyDict_GetItemWithError(options, name.get());
  if (known == nullptr)
    return PyErr_Occurred() == nullptr && PyDict_SetItem(options, name.get(), value.get()) == 0;
  if (PyList_Check(known)) return PyList_Append(known, value.get()) == 0;
  const PyRef both = PyRef::Steal(Py_BuildValue("[OO]", known, value.get()));
  return both && PyDict_SetItem(options, name.get(), both.get()) == 0;
}

PyRef MakeOptions(const ServerFacts& facts) {
  PyRef options = PyRef::Steal(PyDict_New());
  for (const OptionFact& option : facts.options) {
    if (!options || !AddOption(options.get(), option)) return {};
  }
  return options;
}

PyRef MakeMagicTable(const ServerFacts& facts) {
  PyRef table = PyRef::Steal(PyDict_New());
  for (const auto& [letter, text] : facts.magic) {
    const PyRef key = ToBytes({&letter, 1});
    const PyRef value = ToBytes(text);
    if (!table || !key || !value || PyDict_SetItem(table.get(), key.get(), value.get()) != 0)
      return {};
  }
  return table;
}

PyRef MakeSockets(const ServerFacts& facts) {
  PyRef sockets = PyRef::Steal(PyList_New(0));
  for (const int fd : facts.sockets) {
    const PyRef number = Number(fd);
    if (!sockets || !number || PyList_Append(sockets.get(), number.get()) != 0) return {};
  }
  return sockets;
}

PyRef MakeVersionInfo() {
  return PyRef::Steal(Py_BuildValue("(iiiiy#)", kVersionMajor, kVersionMinor, kVersionPatch, 0,
                                    kVersionSuffix.data(),
                                    static_cast<Py_ssize_t>(kVersionSuffix.size())));
}

bool AddConstants(PyObject* module, const ServerFacts& facts) {
  bool ok =
      Add(module, "version", ToBytes(kVersion)) && Add(module, "version_info", MakeVersionInfo()) &&
      Add(module, "hostname", ToBytes(facts.hostname)) &&
      Add(module, "numproc", Number(facts.processes)) &&
      Add(module, "cores", Number(facts.threads)) && Add(module, "has_threads", Number(1)) &&
      Add(module, "buffer_size", Number(facts.buffer_size)) &&
      Add(module, "started_on", Number(facts.started_on)) &&
      Add(module, "is_a_reload", PyRef::Borrow(facts.is_a_reload ? Py_True : Py_False)) &&
      Add(module, "sockets", MakeSockets(facts)) &&
      Add(module, "magic_table", MakeMagicTable(facts)) && Add(module, "opt", MakeOptions(facts));
  for (const char* name : {"loop", "unbit", "applications"})
    ok = ok && Add(module, name, PyRef::Borrow(Py_None));
  ok = ok && Add(module, "SPOOL_OK", Number(-2)) && Add(module, "SPOOL_RETRY", Number(-1)) &&
       Add(module, "SPOOL_IGNORE", Number(0));
  if (ok && !facts.mode.empty()) ok = Add(module, "mode", ToBytes(facts.mode));
  if (ok && !facts.pidfile.empty()) ok = Add(module, "pidfile", ToBytes(facts.pidfile));
  return ok;
}

PyObject* StartResponse(PyObject*, PyObject* args, PyObject* keywords) {
  const CallState* const call = CurrentCallOrRaise();
  return call == nullptr ? nullptr : PyObject_Call(call->start_response, args, keywords);
}

// compat: `uwsgi.env` is the environ of the running request, and exists only then and without
// threads.
PyObject* GetMissing(PyObject*, PyObject* name) noexcept {
  const CallState* const call = CurrentCall();
  if (call != nullptr && api().facts->threads < 2 && AsLatin1(name) == "env") {
    Py_INCREF(call->environ);
    return call->environ;
  }
  PyErr_Format(PyExc_AttributeError, "module 'uwsgi' has no attribute %R", name);
  return nullptr;
}

PyMethodDef kModuleMethods[] = {
    {"start_response", AsCFunction(StartResponse), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"__getattr__", GetMissing, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

ApiContext& api() {
  static ApiContext context;
  return context;
}

Status InstallApiModule() {
  const PyRef module = PyRef::Steal(PyModule_Create(&module_definition));
  bool ok = module && AddConstants(module.get(), *api().facts);
  for (PyMethodDef* const methods :
       {kModuleMethods, WorkerMethods(), RequestMethods(), LogMethods(), LockMethods(),
        SignalMethods(), MuleMethods(), CacheMethods(), MetricMethods(), RpcMethods(),
        AlarmMethods()}) {
    ok = ok && PyModule_AddFunctions(module.get(), methods) == 0;
  }
  ok = ok && AddQueue(module.get()) && AddSharedAreas(module.get()) &&
       AddUnavailable(module.get()) && AddSpooler(module.get()) &&
       PyDict_SetItemString(PyImport_GetModuleDict(), "uwsgi", module.get()) == 0;
  if (!ok) return tl::unexpected(ErrorFromPython());
  return {};
}

Result<PyRef> AddHarakiriError() {
  const PyRef module = PyRef::Borrow(PyDict_GetItemString(PyImport_GetModuleDict(), "uwsgi"));
  PyRef error = PyRef::Steal(PyErr_NewExceptionWithDoc(
      "uwsgi.HarakiriError", "raised in a request that runs longer than harakiri allows",
      PyExc_BaseException, nullptr));
  const bool ok =
      module && error && PyModule_AddObjectRef(module.get(), "HarakiriError", error.get()) == 0;
  if (!ok) return tl::unexpected(ErrorFromPython());
  return error;
}

PyRef ApiHook(const char* name) {
  const PyRef module = PyRef::Borrow(PyDict_GetItemString(PyImport_GetModuleDict(), "uwsgi"));
  if (!module) return {};
  PyRef hook = PyRef::Borrow(PyDict_GetItemString(PyModule_GetDict(module.get()), name));
  return hook && hook.get() != Py_None ? std::move(hook) : PyRef();
}

void CallApiHook(const char* name) {
  const PyRef hook = ApiHook(name);
  if (!hook) return;
  const PyRef done = PyRef::Steal(PyObject_CallNoArgs(hook.get()));
  if (!done) LogException();
}

}  // namespace uwsgi
