// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

#include <optional>

#include "base/file.h"
#include "python/api_module.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "service/spool_name.h"
#include "service/spoolers.h"

namespace uwsgi {
namespace {

constexpr const char* kOnlyBytes = "spooler callable dictionary must contains only bytes";

const Spoolers& spoolers() { return *services().spoolers; }

// A key or value: bytes, or str as UTF-8.
std::optional<ByteView> AsSpoolData(PyObject* object) {
  if (PyBytes_Check(object) || PyUnicode_Check(object)) return AsData(object, "spool");
  Raise(PyExc_ValueError, kOnlyBytes);
  return std::nullopt;
}

// The task that a dict describes; its `body` is no field. The dict stays as it is.
std::optional<SpoolTask> TaskOf(PyObject* dict) {
  SpoolTask task;
  PyObject *key = nullptr, *value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value) != 0;) {
    const auto name = AsSpoolData(key);
    const auto bytes = name ? AsSpoolData(value) : std::nullopt;
    if (!bytes) return std::nullopt;
    if (*name == "body") {
      task.body = *bytes;
    } else {
      task.Set(*name, *bytes);
    }
  }
  return task;
}

// spool(dict) or spool(key=value, ...) -> bytes, the path of the task's file. Not noexcept: it
// waits for the disk, see GilRelease.
PyObject* Spool(PyObject*, PyObject* args, PyObject* keywords) {
  PyObject* dict = keywords;
  if (PyTuple_GET_SIZE(args) > 0) dict = PyTuple_GET_ITEM(args, 0);
  if (dict == nullptr || !PyDict_Check(dict))
    return Raise(PyExc_ValueError, "The argument of spooler callable must be a dictionary");
  return WithinMemory([&]() -> PyObject* {
    const auto task = TaskOf(dict);
    if (!task) return nullptr;
    Result<std::string> path;
    {
      GilRelease unlocked;
      path = spoolers().Enqueue(*task);
    }
    if (!path) return Raise(PyExc_ValueError, "unable to spool job: " + path.error().text());
    return ToBytes(*path).Release();
  });
}

bool AppendBytes(PyObject* list, ByteView bytes) {
  const PyRef item = ToBytes(bytes);
  return item && PyList_Append(list, item.get()) == 0;
}

// The tasks of a directory, without those in priorities.
Result<std::vector<std::string>> TopTasks(const SpoolDir& directory) {
  SpoolScan found = TRY(directory.Scan(spoolers().spec().is_ordered, INT64_MAX));
  std::erase_if(found.due, [&directory](const std::string& path) {
    return path.rfind('/') != directory.path().size();
  });
  return std::move(found.due);
}

// spooler_jobs() -> list of bytes: the tasks of the first directory, without those in priorities.
// Not noexcept: it waits for the disk, see GilRelease.
PyObject* SpoolerJobs(PyObject*, PyObject*) {
  Result<std::vector<std::string>> paths;
  if (spoolers().directories() > 0) {
    GilRelease unlocked;
    paths = TopTasks(spoolers().directory(0));
  }
  if (!paths) return Raise(PyExc_OSError, paths.error().text());
  PyRef jobs = PyRef::Steal(PyList_New(0));
  for (const std::string& path : *paths) {
    if (!jobs || !AppendBytes(jobs.get(), path)) return nullptr;
  }
  return jobs.Release();
}

// spooler_pid() -> int: of the first process, 0 when there is none
PyObject* SpoolerPid(PyObject*, PyObject*) noexcept {
  const auto slots = spoolers().slots();
  return PyLong_FromLong(slots.empty() ? 0 : slots.front().helper.pid.load());
}

// spooler_pids() -> list of int: of each process, 0 for directories of other instances
PyObject* SpoolerPids(PyObject*, PyObject*) noexcept {
  PyRef pids = PyRef::Steal(PyList_New(0));
  for (const SpoolerSlot& slot : spoolers().slots()) {
    const PyRef pid = PyRef::Steal(PyLong_FromLong(slot.helper.pid.load()));
    if (!pids || !pid || PyList_Append(pids.get(), pid.get()) != 0) return nullptr;
  }
  return pids.Release();
}

// spooler_get_task(path) -> dict of bytes, or None when it is not there or runs. Not noexcept: it
// waits for the disk, see GilRelease.
PyObject* SpoolerGetTask(PyObject*, PyObject* args) {
  std::string path;
  if (PyArg_ParseTuple(args, "O&:spooler_get_task", PathConverter, &path) == 0) return nullptr;
  Result<std::optional<SpoolTask>> task;
  {
    GilRelease unlocked;
    task = PeekSpoolFile(path);
  }
  if (!task || !*task) Py_RETURN_NONE;
  return SpoolTaskToDict(**task).Release();
}

// set_spooler_frequency(seconds) -> True
PyObject* SetSpoolerFrequency(PyObject*, PyObject* args) noexcept {
  int seconds = 0;
  if (PyArg_ParseTuple(args, "i:set_spooler_frequency", &seconds) == 0) return nullptr;
  if (seconds < 1) return Raise(PyExc_ValueError, "the frequency of spoolers is 1 second or more");
  spoolers().SetFrequency(seconds);
  Py_RETURN_TRUE;
}

// spooler_dir() -> bytes, or None outside of spoolers
PyObject* SpoolerDir(PyObject*, PyObject*) noexcept {
  if (!api().control->is_spooler()) Py_RETURN_NONE;
  const pid_t me = ::getpid();
  for (size_t i = 0; i < spoolers().slots().size(); ++i) {
    if (spoolers().slots()[i].helper.pid.load() == me)
      return ToBytes(spoolers().directory(spoolers().DirectoryOf(i)).path()).Release();
  }
  Py_RETURN_NONE;
}

PyMethodDef kMethods[] = {
    {"spool", AsCFunction(Spool), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"send_to_spooler", AsCFunction(Spool), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"spooler_jobs", SpoolerJobs, METH_NOARGS, nullptr},
    {"spooler_pid", SpoolerPid, METH_NOARGS, nullptr},
    {"spooler_pids", SpoolerPids, METH_NOARGS, nullptr},
    {"spooler_get_task", SpoolerGetTask, METH_VARARGS, nullptr},
    {"set_spooler_frequency", SetSpoolerFrequency, METH_VARARGS, nullptr},
    {"spooler_dir", SpoolerDir, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

// One path for each process.
PyRef MakeDirectories() {
  PyRef paths = PyRef::Steal(PyTuple_New(static_cast<Py_ssize_t>(spoolers().slots().size())));
  for (size_t i = 0; paths && i < spoolers().slots().size(); ++i) {
    PyRef path = ToBytes(spoolers().directory(spoolers().DirectoryOf(i)).path());
    if (!path) return {};
    PyTuple_SET_ITEM(paths.get(), static_cast<Py_ssize_t>(i), path.Release());
  }
  return paths;
}

}  // namespace

PyRef SpoolTaskToDict(const SpoolTask& task) {
  PyRef dict = PyRef::Steal(PyDict_New());
  for (const auto& [name, bytes] : task.fields) {
    const PyRef key = ToBytes(name);
    const PyRef value = ToBytes(bytes);
    if (!dict || !key || !value || PyDict_SetItem(dict.get(), key.get(), value.get()) != 0)
      return {};
  }
  // compat: of all keys only those that the server adds are str.
  if (!task.body.empty()) {
    const PyRef body = ToBytes(task.body);
    if (!body || PyDict_SetItemString(dict.get(), "body", body.get()) != 0) return {};
  }
  return dict;
}

bool AddSpooler(PyObject* module) {
  // compat: programs look whether these names are there.
  if (services().spoolers == nullptr) return true;
  const PyRef directories = MakeDirectories();
  return directories && PyModule_AddFunctions(module, kMethods) == 0 &&
         PyObject_SetAttrString(module, "spoolers", directories.get()) == 0;
}

}  // namespace uwsgi
