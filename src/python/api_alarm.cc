// SPDX-License-Identifier: Apache-2.0
#include "python/api_module.h"
#include "python/call_args.h"
#include "service/alarm.h"

namespace uwsgi {
namespace {

// alarm(name, text) -> None; compat: also when nobody will hear of it
PyObject* RaiseAlarm(PyObject*, PyObject* const* given, Py_ssize_t count) noexcept {
  const CallArgs args("alarm", given, count);
  const auto name = args.HasBetween(2, 2) ? args.Data(0) : std::nullopt;
  const auto text = name ? args.Data(1) : std::nullopt;
  if (!text) return nullptr;
  if (services().alarms != nullptr) services().alarms->Raise(*name, *text);
  Py_RETURN_NONE;
}

PyMethodDef kMethods[] = {
    {"alarm", AsCFunction(RaiseAlarm), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* AlarmMethods() { return kMethods; }

}  // namespace uwsgi
