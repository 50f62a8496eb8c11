// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/strings.h"
#include "net/listen_queue.h"
#include "python/api_module.h"
#include "python/call_args.h"
#include "python/call_state.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "wire/uwsgi_packet.h"

namespace uwsgi {
namespace {

// worker_id() -> int: 0 outside of workers
PyObject* WorkerId(PyObject*, PyObject*) noexcept {
  return PyLong_FromLong(api().control->worker_id());
}

// masterpid() -> int: 0 without a master
PyObject* MasterPid(PyObject*, PyObject*) noexcept {
  return PyLong_FromLong(api().control->master_pid());
}

// total_requests() -> int: of all workers
PyObject* TotalRequests(PyObject*, PyObject*) noexcept {
  return PyLong_FromUnsignedLongLong(api().control->total_requests());
}

PyRef DescribeApp(const AppInfo& app) {
  return PyRef::Steal(Py_BuildValue(
      "{s:i,s:i,s:y#,s:L,s:i,s:i,s:K,s:K,s:y#}", "id", app.id, "modifier1", 0, "mountpoint",
      app.mountpoint.data(), static_cast<Py_ssize_t>(app.mountpoint.size()), "startup_time",
      static_cast<long long>(app.startup_seconds), "interpreter", 0, "callable", 0, "requests",
      static_cast<unsigned long long>(app.requests), "exceptions",
      static_cast<unsigned long long>(app.exceptions), "chdir", app.chdir.data(),
      static_cast<Py_ssize_t>(app.chdir.size())));
}

PyRef DescribeApps() {
  const std::vector<AppInfo> apps = api().runtime->apps();
  PyRef tuple = PyRef::Steal(PyTuple_New(static_cast<Py_ssize_t>(apps.size())));
  for (size_t i = 0; i < apps.size(); ++i) {
    PyRef app = DescribeApp(apps[i]);
    if (!tuple || !app) return {};
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), app.Release());
  }
  return tuple;
}

PyRef DescribeWorker(const WorkerInfo& worker) {
  const PyRef apps = DescribeApps();
  if (!apps) return {};
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  return PyRef::Steal(Py_BuildValue(
      "{s:i,s:i,s:K,s:K,s:K,s:K,s:y#,s:K,s:K,s:K,s:L,s:K,s:K,s:K,s:O}", "id", worker.id, "pid",
      static_cast<int>(worker.pid), "requests", number(worker.requests), "delta_requests",
      number(worker.delta_requests), "signals", number(worker.signals), "exceptions",
      number(worker.exceptions), "status", worker.status.data(),
      static_cast<Py_ssize_t>(worker.status.size()), "rss", number(worker.rss), "vsz",
      number(worker.vsz), "running_time", number(worker.running_time), "last_spawn",
      static_cast<long long>(worker.last_spawn), "respawn_count", number(worker.respawn_count),
      "tx", number(worker.tx), "avg_rt", number(worker.avg_rt), "apps", apps.get()));
}

// workers() -> tuple of dicts
PyObject* Workers(PyObject*, PyObject*) noexcept {
  const std::vector<WorkerInfo> workers = api().control->workers();
  PyRef tuple = PyRef::Steal(PyTuple_New(static_cast<Py_ssize_t>(workers.size())));
  for (size_t i = 0; i < workers.size(); ++i) {
    PyRef worker = DescribeWorker(workers[i]);
    if (!tuple || !worker) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), worker.Release());
  }
  return tuple.Release();
}

// mem() -> (rss, vsz) in bytes
PyObject* Memory(PyObject*, PyObject*) noexcept {
  const auto text = ReadFile("/proc/self/statm");
  unsigned long long virtual_pages = 0, resident_pages = 0;
  if (text) std::sscanf(text->c_str(), "%llu %llu", &virtual_pages, &resident_pages);
  const auto page = static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE));
  return Py_BuildValue("(KK)", resident_pages * page, virtual_pages * page);
}

// listen_queue([socket]) -> int: connections that wait to be accepted
PyObject* CountWaiting(PyObject*, PyObject* args) noexcept {
  int index = 0;
  if (!PyArg_ParseTuple(args, "|i:listen_queue", &index)) return nullptr;
  const auto& sockets = api().facts->sockets;
  if (index < 0 || static_cast<size_t>(index) >= sockets.size()) {
    return PyErr_Format(PyExc_ValueError, "unable to find socket %d", index);
  }
  return PyLong_FromLong(QueueOf(sockets[static_cast<size_t>(index)]).waiting);
}

// reload() -> True, or None when there is nobody to do it
PyObject* Reload(PyObject*, PyObject*) noexcept { return TrueOrNone(api().control->Reload()); }

// stop() -> True or None
PyObject* Stop(PyObject*, PyObject*) noexcept { return TrueOrNone(api().control->Stop()); }

// ready() -> True once this worker serves, else None
PyObject* IsReady(PyObject*, PyObject*) noexcept { return TrueOrNone(api().is_serving); }

// accepting([flag]) -> None
PyObject* Accepting(PyObject*, PyObject* args) noexcept {
  int accepting = 1;
  if (!PyArg_ParseTuple(args, "|p:accepting", &accepting)) return nullptr;
  api().control->SetAccepting(accepting != 0);
  Py_RETURN_NONE;
}

// setprocname(name) -> None
PyObject* SetProcessName(PyObject*, PyObject* name) noexcept {
  const auto title = AsData(name, "setprocname");
  if (!title) return nullptr;
  api().control->SetProcessTitle(std::string(*title));
  Py_RETURN_NONE;
}

// set_user_harakiri(seconds) -> None: 0 cancels. Of a request, a signal handler, a mule or a
// spooler
PyObject* SetUserHarakiri(PyObject*, PyObject* args) noexcept {
  int seconds = 0;
  if (!PyArg_ParseTuple(args, "i:set_user_harakiri", &seconds)) return nullptr;
  int core = SignalCore();
  const bool is_helper = api().control->mule_id() != 0 || api().control->is_spooler();
  if (core < 0 && !is_helper) {
    const CallState* const call = CurrentCallOrRaise();
    if (call == nullptr) return nullptr;
    core = call->request.core;
  }
  api().control->SetUserHarakiri(core, seconds);
  Py_RETURN_NONE;
}

// i_am_the_spooler() -> True or None
PyObject* IAmTheSpooler(PyObject*, PyObject*) noexcept {
  return TrueOrNone(api().control->is_spooler());
}

// i_am_the_lord(legion) -> bool. compat: there are no legions; False is what an unknown one gives.
PyObject* IAmTheLord(PyObject*, PyObject*) noexcept { Py_RETURN_FALSE; }

// scrolls(legion) -> list or None, lord_scroll(legion) -> bytes or None: the same.
PyObject* NoScrolls(PyObject*, PyObject*) noexcept { Py_RETURN_NONE; }

// micros() -> int: wall clock
PyObject* Micros(PyObject*, PyObject*) noexcept { return PyLong_FromLongLong(WallMicros()); }

// The disk may take its time: see GilRelease.
Result<std::string> ReadUnlocked(const std::string& path) {
  GilRelease unlocked;
  return ReadFile(path);
}

// extract(path) -> bytes; compat: also with the file:// in front. Not noexcept: see GilRelease.
PyObject* Extract(PyObject*, PyObject* args) {
  std::string path;
  if (!PyArg_ParseTuple(args, "O&:extract", PathConverter, &path)) return nullptr;
  return WithinMemory([&] {
    const auto bytes = ReadUnlocked(StartsWith(path, "file://") ? path.substr(7) : path);
    return bytes ? ToBytes(*bytes).Release() : Raise(PyExc_OSError, bytes.error().text());
  });
}

// embedded_data(name) -> bytes
PyObject* EmbeddedData(PyObject*, PyObject* name) noexcept {
  return PyErr_Format(PyExc_ValueError, "unable to find symbol %S", name);
}

// Name and value pairs of a uwsgi packet's body into `dict`; false when they do not fill it
// exactly.
bool AddPairs(PyObject* dict, ByteView body) {
  UwsgiItems items(body);
  while (const auto name = items.Next()) {
    const auto value = items.Next();
    if (!value) return false;
    const PyRef key = ToBytes(*name);
    const PyRef item = ToBytes(*value);
    if (!key || !item || PyDict_SetItem(dict, key.get(), item.get()) != 0) return false;
  }
  return !items.failed();
}

PyObject* ReadPacket(const std::string& path) {
  const auto bytes = ReadUnlocked(path);
  if (!bytes || bytes->size() < kUwsgiHeaderSize || (bytes->front() != 0 && bytes->front() != 17))
    Py_RETURN_NONE;
  const ByteView body = ByteView(*bytes).substr(kUwsgiHeaderSize);
  const size_t size = ReadLe16(bytes->data() + 1);
  PyRef dict = PyRef::Steal(PyDict_New());
  if (dict && size <= body.size() && AddPairs(dict.get(), body.substr(0, size)))
    return dict.Release();
  if (PyErr_Occurred() != nullptr) return nullptr;
  Py_RETURN_NONE;
}

// parsefile(path) -> dict of bytes, or None: a file in the form of a uwsgi packet (modifier 0 or
// 17). Not noexcept: see GilRelease.
PyObject* ParseFile(PyObject*, PyObject* args) {
  std::string path;
  if (!PyArg_ParseTuple(args, "O&:parsefile", PathConverter, &path)) return nullptr;
  return WithinMemory([&] { return ReadPacket(path); });
}

PyMethodDef kMethods[] = {
    {"worker_id", WorkerId, METH_NOARGS, nullptr},
    {"masterpid", MasterPid, METH_NOARGS, nullptr},
    {"total_requests", TotalRequests, METH_NOARGS, nullptr},
    {"workers", Workers, METH_NOARGS, nullptr},
    {"mem", Memory, METH_NOARGS, nullptr},
    {"listen_queue", CountWaiting, METH_VARARGS, nullptr},
    {"reload", Reload, METH_NOARGS, nullptr},
    {"stop", Stop, METH_NOARGS, nullptr},
    {"ready", IsReady, METH_NOARGS, nullptr},
    {"accepting", Accepting, METH_VARARGS, nullptr},
    {"setprocname", SetProcessName, METH_O, nullptr},
    {"set_user_harakiri", SetUserHarakiri, METH_VARARGS, nullptr},
    {"i_am_the_spooler", IAmTheSpooler, METH_NOARGS, nullptr},
    {"i_am_the_lord", IAmTheLord, METH_O, nullptr},
    {"scrolls", NoScrolls, METH_O, nullptr},
    {"lord_scroll", NoScrolls, METH_O, nullptr},
    {"micros", Micros, METH_NOARGS, nullptr},
    {"extract", Extract, METH_VARARGS, nullptr},
    {"embedded_data", EmbeddedData, METH_O, nullptr},
    {"parsefile", ParseFile, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* WorkerMethods() { return kMethods; }

}  // namespace uwsgi
