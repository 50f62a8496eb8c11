// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/call_state.h"
#include "python/py_ref.h"

namespace uwsgi {

// start_response and the write() that it returns: callables bound to the request of one core.
// Everything needs the GIL.
bool ReadyResponseTypes();

// A start_response for this request; `reuse` is the one of an earlier request of the same core,
// used again when the application kept neither it nor its write().
PyRef MakeStartResponse(CallState& call, PyRef reuse);
// The request ends: every later call raises.
void DetachStartResponse(PyObject* start_response);

// Hands one bytes object to the client, waiting (GIL released) when a slow one is too far behind.
// False: nothing more can be sent; a Python exception is set unless disable-write-exception keeps
// it from the application.
bool SendChunk(CallState& call, PyObject* bytes, Flush flush);

}  // namespace uwsgi
