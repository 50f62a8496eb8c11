// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py.h"
#include "request/request.h"
#include "request/response.h"

namespace uwsgi {

// The request that a core thread is running, as the objects given to its application
// (start_response, write, wsgi.input) and the request functions of the uwsgi module see it. Lives
// on the stack of Handle; those objects point here and are detached when it ends.
struct CallState {
  Request& request;
  Response& response;
  bool raise_write_errors = true;
  PyObject* environ = nullptr;         // borrowed
  PyObject* start_response = nullptr;  // borrowed
  bool head_ready =
      false;  // start_response has succeeded: there is something to put before the body
  bool has_written = false;      // body bytes have been handed over
  bool is_monitored = false;     // it raised what the operator watches for
  bool is_disconnected = false;  // uwsgi.disconnect() was called
};

// The request of this thread, nullptr outside of one.
CallState* CurrentCall();
// The same; without one it raises what the predecessor raises.
CallState* CurrentCallOrRaise();
// Set and cleared by Handle.
void SetCurrentCall(CallState* call);

}  // namespace uwsgi
