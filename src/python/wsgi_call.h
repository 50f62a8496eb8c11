// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/call_state.h"
#include "python/python_spec.h"

namespace uwsgi {

// Calls the application and walks its result into the response, whatever happens. Returns false
// when the application failed: the response has been ended then, the traceback logged. With the GIL
// held.
bool CallApplication(PyObject* application, CallState& call, const WsgiRules& rules);

}  // namespace uwsgi
