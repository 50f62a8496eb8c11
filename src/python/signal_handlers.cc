// SPDX-License-Identifier: Apache-2.0
#include "python/signal_handlers.h"

#include <array>

#include "python/py_error.h"

namespace uwsgi {
namespace {

// Never destroyed: at the end of the process there may be no interpreter to give the handlers to.
std::array<PyRef, 256>& Handlers() {
  static auto& handlers = *new std::array<PyRef, 256>;
  return handlers;
}

// False: there is none, or an exception is set.
bool Call(uint8_t signal) {
  // It may register another one for its signal.
  const PyRef handler = PyRef::Borrow(Handlers()[signal].get());
  return handler && PyRef::Steal(PyObject_CallFunction(handler.get(), "i", int{signal}));
}

}  // namespace

void KeepSignalHandler(uint8_t signal, PyObject* handler) {
  // The one before may run code when it goes.
  const PyRef before = std::exchange(Handlers()[signal], PyRef::Borrow(handler));
}

bool RunSignalHandler(uint8_t signal) {
  const bool done = Call(signal);
  LogException();
  return done;
}

bool RunSignalHandlerInPython(uint8_t signal) {
  const bool done = Call(signal);
  LogOrPassOn();
  return done;
}

void ForgetSignalHandlers() {
  for (PyRef& handler : Handlers()) const PyRef gone = std::exchange(handler, {});
}

}  // namespace uwsgi
