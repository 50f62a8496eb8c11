// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/call_state.h"

namespace uwsgi {

// catch-exceptions: answers with the exception, its traceback and the request's variables as text.
// For development; the head must not have been sent. With the GIL held.
void SendExceptionPage(CallState& call, PyObject* exception);

}  // namespace uwsgi
