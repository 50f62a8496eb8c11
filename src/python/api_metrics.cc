// SPDX-License-Identifier: Apache-2.0
#include "python/api_module.h"
#include "python/py_error.h"
#include "service/metrics.h"

namespace uwsgi {
namespace {

// metric_get(name) -> int: 0 for an unknown name and without metrics
PyObject* MetricGet(PyObject*, PyObject* args) noexcept {
  const char* name = nullptr;
  Py_ssize_t size = 0;
  if (PyArg_ParseTuple(args, "s#:metric_get", &name, &size) == 0) return nullptr;
  if (services().metrics == nullptr) return PyLong_FromLong(0);
  return PyLong_FromLongLong(services().metrics->Get({name, static_cast<size_t>(size)}));
}

using Change = bool (*)(Metrics& metrics, std::string_view name, int64_t amount);

// True, or None when there is no such metric or it is not the application's to change.
PyObject* ChangeMetric(PyObject* args, const char* format, Change change) {
  const char* name = nullptr;
  Py_ssize_t size = 0;
  long long amount = 1;
  if (PyArg_ParseTuple(args, format, &name, &size, &amount) == 0) return nullptr;
  Metrics* const metrics = services().metrics;
  if (metrics != nullptr && change(*metrics, {name, static_cast<size_t>(size)}, amount))
    Py_RETURN_TRUE;
  Py_RETURN_NONE;
}

// metric_set(name[, value=1]) -> True or None
PyObject* MetricSet(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_set",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.Set(name, n); });
}

// metric_inc(name[, amount=1]) -> True or None
PyObject* MetricInc(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_inc",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.Add(name, n); });
}

// metric_dec(name[, amount=1]) -> True or None
PyObject* MetricDec(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(args, "s#|L:metric_dec",
                      [](Metrics& metrics, std::string_view name, int64_t n) {
                        return metrics.Add(name, static_cast<int64_t>(-static_cast<uint64_t>(n)));
                      });
}

// metric_mul(name[, factor=1]) -> True or None
PyObject* MetricMul(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_mul",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.Multiply(name, n); });
}

// metric_div(name[, divisor=1]) -> True or None
PyObject* MetricDiv(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_div",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.Divide(name, n); });
}

// metric_set_max(name[, value=1]) -> True or None: raises the metric to the value
PyObject* MetricSetMax(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_set_max",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.RaiseTo(name, n); });
}

// metric_set_min(name[, value=1]) -> True or None: lowers the metric to the value
PyObject* MetricSetMin(PyObject*, PyObject* args) noexcept {
  return ChangeMetric(
      args, "s#|L:metric_set_min",
      [](Metrics& metrics, std::string_view name, int64_t n) { return metrics.LowerTo(name, n); });
}

PyMethodDef kMethods[] = {
    {"metric_get", MetricGet, METH_VARARGS, nullptr},
    {"metric_set", MetricSet, METH_VARARGS, nullptr},
    {"metric_inc", MetricInc, METH_VARARGS, nullptr},
    {"metric_dec", MetricDec, METH_VARARGS, nullptr},
    {"metric_mul", MetricMul, METH_VARARGS, nullptr},
    {"metric_div", MetricDiv, METH_VARARGS, nullptr},
    {"metric_set_max", MetricSetMax, METH_VARARGS, nullptr},
    {"metric_set_min", MetricSetMin, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* MetricMethods() { return kMethods; }

}  // namespace uwsgi
