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
// The request ends: every later use of the object raises.
void DetachInput(PyObject* input);

}  // namespace uwsgi
