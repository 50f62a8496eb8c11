// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <deque>
#include <string_view>

#include "python/api_module.h"
#include "python/convert.h"
#include "python/py_error.h"

// Functions that are always present in the module, because programs take them from it at import,
// although the service behind them is not there. They say so when they are called.
namespace uwsgi {
namespace {

struct Service {
  PyObject** exception;
  const char* reason;
  std::string_view functions;  // separated by blanks
};

const std::array kServices = {
    Service{&PyExc_ValueError, "there is no routing table", "route"},
    Service{&PyExc_OSError, "unable to complete websocket handshake: websockets are not served",
            "websocket_handshake"},
    Service{&PyExc_OSError, "unable to receive websocket message: websockets are not served",
            "websocket_recv websocket_recv_nb"},
    Service{&PyExc_OSError, "unable to send websocket message: websockets are not served",
            "websocket_send websocket_send_binary"},
    Service{&PyExc_RuntimeError, "not offered by this server",
            "async_connect async_sleep close connect offload recv send wait_fd_read wait_fd_write "
            "chunked_read_nb set_warning_message"},
};

// The text to raise is the function's `self`: (exception, message).
PyObject* RaiseUnavailable(PyObject* self, PyObject*, PyObject*) noexcept {
  PyErr_SetObject(PyTuple_GET_ITEM(self, 0), PyTuple_GET_ITEM(self, 1));
  return nullptr;
}

bool AddFunction(PyObject* module, const Service& service, std::string_view name) {
  // A function keeps a pointer to its definition for as long as it lives.
  static std::deque<std::pair<std::string, PyMethodDef>> definitions;
  auto& [kept_name, definition] = definitions.emplace_back(std::string(name), PyMethodDef{});
  definition = {kept_name.c_str(), AsCFunction(RaiseUnavailable), METH_VARARGS | METH_KEYWORDS,
                nullptr};
  const PyRef message =
      PyRef::Steal(PyUnicode_FromFormat("%s: %s", kept_name.c_str(), service.reason));
  if (!message) return false;
  const PyRef self = PyRef::Steal(PyTuple_Pack(2, *service.exception, message.get()));
  const PyRef module_name = PyRef::Steal(PyModule_GetNameObject(module));
  if (!self || !module_name) return false;
  const PyRef function =
      PyRef::Steal(PyCFunction_NewEx(&definition, self.get(), module_name.get()));
  return function && PyObject_SetAttrString(module, kept_name.c_str(), function.get()) == 0;
}

}  // namespace

bool AddUnavailable(PyObject* module) {
  for (const Service& service : kServices) {
    std::string_view rest = service.functions;
    while (!rest.empty()) {
      const size_t blank = std::min(rest.find(' '), rest.size());
      if (!AddFunction(module, service, rest.substr(0, blank))) return false;
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  return true;
}

}  // namespace uwsgi
