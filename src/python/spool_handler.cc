// SPDX-License-Identifier: Apache-2.0
#include "python/spool_handler.h"

#include "base/log.h"
#include "python/api_module.h"
#include "python/convert.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

// compat: uwsgi.SPOOL_OK and SPOOL_IGNORE; every other number is SPOOL_RETRY.
constexpr long kSpoolOk = -2;
constexpr long kSpoolIgnore = 0;

constexpr std::string_view kNoFunction =
    "unable to find the spooler function, have you loaded it into the spooler process ?";

// The current exception, to the log and beside the task.
SpoolResult Raised() {
  const PyRef exception = TakeException();
  std::string text = exception ? DescribeException(exception.get()) : "unknown Python error\n";
  LogRaw(text);
  return {SpoolVerdict::kRetry, std::move(text)};
}

SpoolResult ResultOf(PyObject* returned) {
  const long number = PyLong_Check(returned) ? PyLong_AsLong(returned) : -1;
  if (number == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();  // too great for a long
  if (number == kSpoolOk) return {SpoolVerdict::kDone, {}};
  if (number == kSpoolIgnore) return {SpoolVerdict::kIgnored, {}};
  if (PyLong_Check(returned)) return {SpoolVerdict::kRetry, {}};
  std::string text =
      fmt::format("the spooler function returned {}, which is no number: the task is tried again\n",
                  ReprText(returned).substr(0, 100));
  LogRaw(text);
  return {SpoolVerdict::kRetry, std::move(text)};
}

}  // namespace

SpoolResult RunSpoolFunction(const SpoolTask& task, std::string_view name) {
  const PyRef function = ApiHook("spooler");
  if (!function) {
    LogLine(kNoFunction);
    return {SpoolVerdict::kIgnored, {}};
  }
  const PyRef dict = SpoolTaskToDict(task);
  const PyRef task_name = ToBytes(name);
  if (!dict || !task_name ||
      PyDict_SetItemString(dict.get(), "spooler_task_name", task_name.get()) != 0) {
    return Raised();
  }
  const PyRef returned = PyRef::Steal(PyObject_CallOneArg(function.get(), dict.get()));
  return returned ? ResultOf(returned.get()) : Raised();
}

}  // namespace uwsgi
