// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "python/api_module.h"
#include "python/convert.h"
#include "python/poll_signals.h"
#include "python/py_error.h"
#include "python/signal_handlers.h"
#include "service/mule_link.h"
#include "service/signal_router.h"

namespace uwsgi {
namespace {

constexpr int64_t kMillisecond = 1000;

MuleLink* Link() { return services().mules; }

int OwnMule() { return api().control->mule_id(); }

// The number of a farm; an exception has been raised when it is 0.
int FarmOrRaise(ByteView name) {
  const int farm = Link() != nullptr ? Link()->FarmCalled(name) : 0;
  if (farm == 0) Raise(PyExc_ValueError, fmt::format("unknown farm: {}", name));
  return farm;
}

PyObject* ToAnswer(const Result<MuleLink::Sent>& sent) {
  if (!sent) return Raise(PyExc_ValueError, sent.error().text());
  return PyBool_FromLong(*sent == MuleLink::Sent::kYes ? 1 : 0);
}

PyObject* SendToMule(PyObject* target, ByteView message) {
  const long mule = PyLong_AsLong(target);
  if (mule == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (mule < 0 || mule > Link()->mules())
    return Raise(PyExc_ValueError, fmt::format("invalid mule: {}", mule));
  return ToAnswer(Link()->SendToMule(static_cast<int>(mule), message));
}

// mule_msg(message[, mule number or farm name]) -> bool
PyObject* MuleMessage(PyObject*, PyObject* args) noexcept {
  PyObject *message = nullptr, *target = nullptr;
  if (!PyArg_ParseTuple(args, "O|O:mule_msg", &message, &target)) return nullptr;
  const auto bytes = AsData(message, "mule_msg");
  if (!bytes) return nullptr;
  if (Link() == nullptr) return Raise(PyExc_ValueError, "no mule configured");
  if (target == nullptr || target == Py_None) return ToAnswer(Link()->SendToMule(0, *bytes));
  if (PyLong_Check(target)) return SendToMule(target, *bytes);
  if (PyUnicode_Check(target) == 0 && PyBytes_Check(target) == 0)
    return Raise(PyExc_ValueError, "invalid mule");
  const auto name = AsData(target, "mule_msg");
  const int farm = name ? FarmOrRaise(*name) : 0;
  return farm != 0 ? ToAnswer(Link()->SendToFarm(farm, *bytes)) : nullptr;
}

// farm_msg(name, message) -> None. compat: a farm that does not exist is passed over
PyObject* FarmMessage(PyObject*, PyObject* args) noexcept {
  PyObject *name = nullptr, *message = nullptr;
  if (!PyArg_ParseTuple(args, "OO:farm_msg", &name, &message)) return nullptr;
  const auto farm_name = AsData(name, "farm_msg");
  const auto bytes = farm_name ? AsData(message, "farm_msg") : std::nullopt;
  if (!bytes) return nullptr;
  const int farm = Link() != nullptr ? Link()->FarmCalled(*farm_name) : 0;
  if (farm == 0) Py_RETURN_NONE;
  const auto sent = Link()->SendToFarm(farm, *bytes);
  if (!sent) return Raise(PyExc_ValueError, sent.error().text());
  Py_RETURN_NONE;
}

// What a mule waits for.
struct Wait {
  std::vector<pollfd> queues;  // first those of messages, then those of signals
  size_t message_queues = 0;
  int64_t deadline_us = 0;  // monotonic; 0: as long as it takes

  void Add(const std::vector<int>& fds) {
    for (const int fd : fds) queues.push_back({fd, POLLIN, 0});
  }
  [[nodiscard]] int timeout_ms() const {
    if (deadline_us == 0) return -1;
    const int64_t left = deadline_us - MonotonicMicros();
    return static_cast<int>(std::clamp<int64_t>((left + 999) / kMillisecond, 0, INT32_MAX));
  }
};

std::optional<std::string> TakeMessage(const Wait& wait) {
  for (size_t i = 0; i < wait.message_queues; ++i) {
    if ((wait.queues[i].revents & POLLIN) == 0) continue;
    if (auto message = Link()->Take(wait.queues[i].fd)) return message;
  }
  return std::nullopt;
}

// False: an exception is set.
bool RunSignals(const Wait& wait) {
  for (size_t i = wait.message_queues; i < wait.queues.size(); ++i) {
    if ((wait.queues[i].revents & POLLIN) == 0) continue;
    const auto signal = SignalRouter::Take(wait.queues[i].fd);
    if (!signal || RunSignalHandlerInPython(*signal)) continue;
    if (PyErr_Occurred() != nullptr) return false;
    LogDated("error managing signal {} on mule {}", *signal, OwnMule());
  }
  return true;
}

// The next message; b'' when the time is over.
PyObject* Receive(Wait& wait) {
  for (;;) {
    if (!PollForSignals(wait.queues, wait.timeout_ms())) return nullptr;
    if (const auto message = TakeMessage(wait)) return ToBytes(*message).Release();
    if (!RunSignals(wait)) return nullptr;
    if (wait.deadline_us != 0 && MonotonicMicros() >= wait.deadline_us)
      return PyBytes_FromString("");
  }
}

// `whose` is "mule" or "farm".
PyObject* RaiseOutsideOfMules(const char* whose) {
  return PyErr_Format(PyExc_ValueError, "you can receive %s messages only in a mule !!!", whose);
}

// mule_get_msg(signals=True, farms=True, buffer_size=65536, timeout=-1) -> bytes
PyObject* MuleGetMessage(PyObject*, PyObject* args, PyObject* keywords) {
  static const char* const kNames[] = {"signals", "farms", "buffer_size", "timeout", nullptr};
  int signals = 1, farms = 1, buffer_size = 0;
  double timeout = -1;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|ppid:mule_get_msg", const_cast<char**>(kNames),
                                   &signals, &farms, &buffer_size, &timeout))
    return nullptr;
  if (OwnMule() == 0 || Link() == nullptr) return RaiseOutsideOfMules("mule");
  Wait wait;
  wait.Add(Link()->MuleQueues(OwnMule()));
  if (farms != 0) wait.Add(Link()->FarmQueues(OwnMule()));
  wait.message_queues = wait.queues.size();
  if (signals != 0) wait.Add(services().signals->OwnQueues());
  if (timeout >= 0)
    wait.deadline_us = MonotonicMicros() + static_cast<int64_t>(std::min(timeout, 1e9) * 1e6);
  return Receive(wait);
}

// farm_get_msg() -> bytes: of all farms of this mule
PyObject* FarmGetMessage(PyObject*, PyObject*) {
  if (OwnMule() == 0 || Link() == nullptr) return RaiseOutsideOfMules("farm");
  Wait wait;
  wait.Add(Link()->FarmQueues(OwnMule()));
  wait.message_queues = wait.queues.size();
  if (wait.queues.empty()) Py_RETURN_NONE;
  return Receive(wait);
}

// mule_id() -> int: 0 outside of mules
PyObject* MuleId(PyObject*, PyObject*) noexcept { return PyLong_FromLong(OwnMule()); }

// in_farm([name]) -> True or None
PyObject* InFarm(PyObject*, PyObject* args) noexcept {
  PyObject* name = nullptr;
  if (!PyArg_ParseTuple(args, "|O:in_farm", &name)) return nullptr;
  if (OwnMule() == 0 || Link() == nullptr) Py_RETURN_NONE;
  if (name == nullptr) {
    if (Link()->FarmQueues(OwnMule()).empty()) Py_RETURN_NONE;
    Py_RETURN_TRUE;
  }
  const auto text = AsData(name, "in_farm");
  if (!text) return nullptr;
  const int farm = Link()->FarmCalled(*text);
  if (farm == 0 || !Link()->IsInFarm(OwnMule(), farm)) Py_RETURN_NONE;
  Py_RETURN_TRUE;
}

PyMethodDef kMethods[] = {
    {"mule_msg", MuleMessage, METH_VARARGS, nullptr},
    {"farm_msg", FarmMessage, METH_VARARGS, nullptr},
    {"mule_get_msg", AsCFunction(MuleGetMessage), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"farm_get_msg", FarmGetMessage, METH_NOARGS, nullptr},
    {"mule_id", MuleId, METH_NOARGS, nullptr},
    {"in_farm", InFarm, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* MuleMethods() { return kMethods; }

}  // namespace uwsgi
