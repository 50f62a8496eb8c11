// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "python/py_ref.h"

// The handlers of user signals that this process knows. They are objects of its own: what a parent
// has registered is there after a fork, and what another process has is not. The GIL is held.
namespace uwsgi {

void KeepSignalHandler(uint8_t signal, PyObject* handler);
// Calls it; false when there is none or it raised, which has been logged.
bool RunSignalHandler(uint8_t signal);
// The same for a function that Python has called: LogOrPassOn().
bool RunSignalHandlerInPython(uint8_t signal);
// Before the interpreter ends.
void ForgetSignalHandlers();

}  // namespace uwsgi
