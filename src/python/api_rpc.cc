// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/log.h"
#include "python/api_module.h"
#include "python/call_args.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/rpc_client.h"
#include "service/rpc_table.h"

// Functions that wait are not noexcept: see GilRelease.
namespace uwsgi {
namespace {

using Args = PyObject* const*;

PyRef ToTuple(const std::vector<ByteView>& args) {
  PyRef tuple = PyRef::Steal(PyTuple_New(static_cast<Py_ssize_t>(args.size())));
  for (size_t i = 0; tuple && i < args.size(); ++i) {
    PyRef arg = ToBytes(args[i]);
    if (!arg) return {};
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), arg.Release());
  }
  return tuple;
}

// This thread is about to call a function for Python, which takes what the function raises.
thread_local bool is_for_python = false;

// On any thread, with or without the GIL. compat: only bytes are a result.
std::optional<std::string> CallFunction(PyObject* function, const std::vector<ByteView>& args) {
  const GilLock locked;
  const bool passes_on = std::exchange(is_for_python, false);
  const PyRef tuple = ToTuple(args);
  const PyRef result = tuple ? PyRef::Steal(PyObject_CallObject(function, tuple.get())) : PyRef();
  if (!result) {
    passes_on ? LogOrPassOn() : LogException();
    return std::nullopt;
  }
  if (!PyBytes_Check(result.get())) return std::nullopt;
  return std::string(AsView(result.get()));
}

// register_rpc(name, function[, arguments]) -> True
PyObject* RegisterRpc(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("register_rpc", given, count);
  const auto name = args.HasBetween(2, 3) ? args.Data(0) : std::nullopt;
  // compat: how many arguments it takes is said, and does not matter.
  if (!name || !args.NumberOr(2, 0)) return nullptr;
  PyObject* const function = args.at(1);
  if (PyCallable_Check(function) == 0)
    return Raise(PyExc_TypeError, "register_rpc(): the function must be callable");
  if (services().rpc == nullptr ||
      !services().rpc->Register(*name, [function](const std::vector<ByteView>& call) {
        return CallFunction(function, call);
      })) {
    return Raise(PyExc_ValueError, "unable to register rpc function");
  }
  // Calls of it may run in other threads up to the end of the process, so it is never given up.
  Py_INCREF(function);
  const int worker = api().control->worker_id();
  if (worker == 0) {
    Log("registered shared/inherited RPC function \"{}\"", *name);
  } else {
    Log("registered RPC function \"{}\" on worker {}", *name, worker);
  }
  Py_RETURN_TRUE;
}

// rpc_list() -> tuple of bytes
PyObject* RpcList(PyObject*, PyObject*) {
  std::vector<std::string> names;
  if (services().rpc != nullptr) names = services().rpc->Names();
  return ToTuple({names.begin(), names.end()}).Release();
}

PyObject* BadCall(std::string_view why) {
  return Raise(PyExc_ValueError, fmt::format("unable to call rpc function: {}", why));
}

// Calls the function that argument `first` names with the arguments behind it; an empty node is
// this process.
PyObject* CallNamed(const CallArgs& args, ByteView node, Py_ssize_t first) {
  std::vector<ByteView> texts;  // the name and the arguments
  for (Py_ssize_t i = first; i < args.count(); ++i) {
    const auto text = args.Data(i);
    if (!text) return BadCall("its name and arguments have to be str or bytes");
    texts.push_back(*text);
  }
  if (texts.empty()) return BadCall("it is not named");
  if (texts.size() - 1 > RpcTable::kMostArgs) return BadCall("too many arguments");
  const ByteView name = texts.front();
  const std::vector<ByteView> arguments(texts.begin() + 1, texts.end());
  std::optional<std::string> result;
  {
    GilRelease unlocked;
    if (!node.empty()) {
      result = CallRemote(node, name, arguments);
    } else if (services().rpc != nullptr) {
      is_for_python = true;
      result = services().rpc->Call(name, arguments);
      is_for_python = false;
    }
  }
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (!result) Py_RETURN_NONE;
  return ToBytes(*result).Release();
}

// call(function, *arguments) -> bytes or None
PyObject* CallLocal(PyObject*, Args given, Py_ssize_t count) {
  return CallNamed({"call", given, count}, {}, 0);
}

// rpc(node, function, *arguments) -> bytes or None; the node None or empty: here
PyObject* CallAnywhere(PyObject*, Args given, Py_ssize_t count) {
  const CallArgs args("rpc", given, count);
  if (count == 0) return BadCall("it is not named");
  const auto node = args.at(0) == Py_None ? std::optional<ByteView>(ByteView()) : args.Data(0);
  return node ? CallNamed(args, *node, 1) : BadCall("the node has to be str, bytes or None");
}

PyMethodDef kMethods[] = {
    {"register_rpc", AsCFunction(RegisterRpc), METH_FASTCALL, nullptr},
    {"rpc_list", RpcList, METH_NOARGS, nullptr},
    {"call", AsCFunction(CallLocal), METH_FASTCALL, nullptr},
    {"rpc", AsCFunction(CallAnywhere), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* RpcMethods() { return kMethods; }

}  // namespace uwsgi
