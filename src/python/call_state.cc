// SPDX-License-Identifier: Apache-2.0
#include "python/call_state.h"

namespace uwsgi {
namespace {

thread_local CallState* the_call = nullptr;

}  // namespace

CallState* CurrentCall() { return the_call; }

CallState* CurrentCallOrRaise() {
  if (the_call == nullptr) {
    PyErr_SetString(PyExc_SystemError,
                    "you can call uwsgi api function only from the main callable");
  }
  return the_call;
}

int& SignalCore() {
  static thread_local int core = -1;
  return core;
}

void SetCurrentCall(CallState* call) { the_call = call; }

}  // namespace uwsgi
