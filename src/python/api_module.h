// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "python/py_ref.h"
#include "runtime/language_runtime.h"
#include "runtime/process_control.h"
#include "runtime/server_facts.h"
#include "runtime/services.h"
#include "service/spool_task.h"

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
// uwsgi.HarakiriError, which is raised in a request that takes too long. Not an Exception, so that
// what catches those lets it through.
Result<PyRef> AddHarakiriError();
// A name that the application may have assigned in the module (a hook); empty when it has not, or
// when it is None.
PyRef ApiHook(const char* name);
// The dict that a function is given for a task: keys and values are bytes.
PyRef SpoolTaskToDict(const SpoolTask& task);
// Calls a hook without arguments when there is one; what it raises is logged.
void CallApiHook(const char* name);

// The tables: each ends with a row of nulls.
PyMethodDef* WorkerMethods();   // api_worker.cc: processes and the server
PyMethodDef* MetricMethods();   // api_metrics.cc
PyMethodDef* RequestMethods();  // api_request.cc: the request of this thread
PyMethodDef* LogMethods();      // api_log.cc
PyMethodDef* CacheMethods();    // api_cache.cc
PyMethodDef* LockMethods();     // api_lock.cc
PyMethodDef* SignalMethods();   // api_signal.cc: user signals and what raises them
PyMethodDef* MuleMethods();     // api_mule.cc: mules and farms
PyMethodDef* RpcMethods();      // api_rpc.cc
PyMethodDef* AlarmMethods();    // api_alarm.cc
// These add their functions only when what they work on is configured.
bool AddQueue(PyObject* module);        // api_queue.cc
bool AddSharedAreas(PyObject* module);  // api_area.cc
bool AddSpooler(PyObject* module);      // api_spool.cc
bool AddUnavailable(PyObject* module);  // api_unavailable.cc: functions whose service is not there

}  // namespace uwsgi
