// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py.h"
#include "python/turns.h"
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
  int received_signal = 0;       // what signal_wait() came back with; -1 while it waits
  bool is_disconnected = false;  // uwsgi.disconnect() was called
  Turns sending;                 // of whoever sends a part of the body
};

// The request of this thread, nullptr outside of one.
CallState* CurrentCall();
// The same; without one it raises what the predecessor raises.
CallState* CurrentCallOrRaise();
// The core of this thread while it runs a user signal's handler, which is no request; else -1.
int& SignalCore();
// Set and cleared by Handle.
void SetCurrentCall(CallState* call);

}  // namespace uwsgi
