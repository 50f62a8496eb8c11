// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "python/py_ref.h"
#include "runtime/language_runtime.h"
#include "runtime/process_control.h"
#include "runtime/server_facts.h"
#include "runtime/services.h"

namespace uwsgi {

// What the functions of the `uwsgi` module work on. One per process, set before the module is
// built.
struct ApiContext {
  const ServerFacts* facts = nullptr;
  ProcessControl* control = nullptr;
  const LanguageRuntime* runtime = nullptr;
  const Services* services = nullptr;
  bool is_serving = false;  // this process is a worker that accepts requests
};
ApiContext& api();
// What the server offers to applications; a null member is not configured.
inline const Services& services() { return *api().services; }

// Builds the `uwsgi` module from the tables of the api_*.cc files and puts it where `import uwsgi`
// finds it. The GIL is held.
Status InstallApiModule();
// A name that the application may have assigned in the module (a hook); empty when it has not, or
// when it is None.
PyRef ApiHook(const char* name);
// Calls a hook without arguments when there is one; what it raises is logged.
void CallApiHook(const char* name);

// The tables: each ends with a row of nulls.
PyMethodDef* WorkerMethods();           // api_worker.cc: processes and the server
PyMethodDef* MetricMethods();           // api_metrics.cc
PyMethodDef* RequestMethods();          // api_request.cc: the request of this thread
PyMethodDef* LogMethods();              // api_log.cc
PyMethodDef* CacheMethods();            // api_cache.cc
PyMethodDef* LockMethods();             // api_lock.cc
bool AddUnavailable(PyObject* module);  // api_unavailable.cc: functions whose service is not there

}  // namespace uwsgi
