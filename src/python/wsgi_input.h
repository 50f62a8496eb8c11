// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py_ref.h"
#include "request/body_source.h"
#include "request/request.h"

namespace uwsgi {

// wsgi.input: the body of one request as a file that can be read. Everything here needs the GIL.

// Makes the type; once, before the first application is loaded.
bool ReadyInputType();
// An input for this request. `reuse` is the one of an earlier request of the same core, used again
// when nobody else holds it.
PyRef MakeInput(Request& request, PyRef reuse);
// What has arrived of the body and was not read yet, as bytes; waits when that is nothing, empty at
// the end. A new reference; nullptr with OSError when the body cannot be read on, or the object is
// no input.
PyObject* ReadWhatArrives(PyObject* object);
// The request ends: every later use of the object raises.
void DetachInput(PyObject* input);

}  // namespace uwsgi
