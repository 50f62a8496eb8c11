// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <optional>
#include <vector>

#include "base/log.h"
#include "python/api_module.h"
#include "python/call_state.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/poll_signals.h"
#include "python/py_error.h"
#include "python/signal_handlers.h"
#include "service/remote_signal.h"
#include "service/signal_router.h"
#include "service/signal_triggers.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMillisecond = 1000;

// What signal_received() says outside of requests.
thread_local int received_outside = 0;

int& Received() {
  CallState* const call = CurrentCall();
  return call != nullptr ? call->received_signal : received_outside;
}

// For PyArg_Parse's "O&": a user signal.
int SignalConverter(PyObject* object, void* into) noexcept {
  const long number = PyLong_AsLong(object);
  if (number == -1 && PyErr_Occurred() != nullptr) return 0;
  if (number < 0 || number > 255) {
    PyErr_Format(PyExc_ValueError, "a user signal is a number from 0 to 255, not %ld", number);
    return 0;
  }
  *static_cast<uint8_t*>(into) = static_cast<uint8_t>(number);
  return 1;
}

// The log gets the reason, the application the predecessor's word for it.
PyObject* Refuse(std::string_view reason, std::string_view word) {
  LogLine(reason);
  return Raise(PyExc_ValueError, word);
}

// register_signal(number, target, handler) -> None
PyObject* RegisterSignal(PyObject*, PyObject* args) noexcept {
  uint8_t signal = 0;
  PyObject *target = nullptr, *handler = nullptr;
  if (!PyArg_ParseTuple(args, "O&OO:register_signal", SignalConverter, &signal, &target, &handler))
    return nullptr;
  const auto text = AsData(target, "register_signal");
  if (!text) return nullptr;
  if (PyCallable_Check(handler) == 0)
    return Raise(PyExc_ValueError, "the handler of a signal must be callable");
  constexpr std::string_view kWord = "unable to register signal";
  if (services().signals == nullptr)
    return Refuse("you cannot register signals without a master", kWord);
  const auto registered = services().signals->Register(signal, *text);
  if (!registered) return Refuse(registered.error().text(), kWord);
  KeepSignalHandler(signal, handler);
  Py_RETURN_NONE;
}

// signal(number, "host:port") -> None: waits for the other server. Not noexcept: see GilRelease.
PyObject* SignalAfar(uint8_t signal, const std::string& address) {
  Result<bool> taken = false;
  {
    GilRelease unlocked;
    taken = SendRemoteSignal(address, signal);
  }
  if (!taken) {
    return Raise(PyExc_OSError, fmt::format("unable to deliver signal {} to node {}: {}", signal,
                                            address, taken.error().text()));
  }
  if (!*taken)
    return Raise(PyExc_ValueError, fmt::format("node {} rejected signal {}", address, signal));
  Py_RETURN_NONE;
}

// signal(number[, address]) -> None: at once, whoever gets it
PyObject* Signal(PyObject*, PyObject* args) {
  uint8_t signal = 0;
  PyObject* address = nullptr;
  if (!PyArg_ParseTuple(args, "O&|O:signal", SignalConverter, &signal, &address)) return nullptr;
  if (address != nullptr) {
    const auto text = AsData(address, "signal");
    return text ? SignalAfar(signal, std::string(*text)) : nullptr;
  }
  if (services().signals == nullptr)
    return Raise(PyExc_ValueError, "you cannot send signals without a master");
  services().signals->Send(signal);
  Py_RETURN_NONE;
}

// A signal in one of this process's queues; nothing when an exception has been raised, or a signal
// of the system has come.
std::optional<uint8_t> WaitForSignal(std::vector<pollfd>& queues) {
  if (!PollForSignals(queues, -1)) return std::nullopt;
  for (const pollfd& queue : queues) {
    if ((queue.revents & POLLIN) == 0) continue;
    if (const auto signal = SignalRouter::Take(queue.fd)) return signal;
  }
  return std::nullopt;
}

// signal_wait([number]) -> b'': runs the handlers of what arrives until the wanted one has been
PyObject* SignalWait(PyObject*, PyObject* args) {
  int wanted = -1;
  if (!PyArg_ParseTuple(args, "|i:signal_wait", &wanted)) return nullptr;
  std::vector<pollfd> queues;
  if (services().signals != nullptr) {
    for (const int queue : services().signals->OwnQueues()) queues.push_back({queue, POLLIN, 0});
  }
  if (queues.empty())
    return Raise(PyExc_SystemError, "error waiting for signal: this process gets none");
  Received() = -1;
  for (;;) {
    const auto signal = WaitForSignal(queues);
    if (!signal && PyErr_Occurred() != nullptr) return nullptr;
    if (!signal) continue;
    if (!RunSignalHandlerInPython(*signal)) {
      if (PyErr_Occurred() != nullptr) return nullptr;
      LogDated("error managing signal {}", *signal);
    }
    if (wanted >= 0 && *signal != wanted) continue;
    Received() = *signal;
    return PyBytes_FromString("");
  }
}

// signal_received() -> int: what signal_wait() came back with last
PyObject* SignalReceived(PyObject*, PyObject*) noexcept { return PyLong_FromLong(Received()); }

// signal_registered(number) -> True or None. compat: any number, of which the lowest byte counts
PyObject* SignalRegistered(PyObject*, PyObject* args) noexcept {
  int number = 0;
  if (!PyArg_ParseTuple(args, "i:signal_registered", &number)) return nullptr;
  if (services().signals != nullptr &&
      services().signals->IsRegistered(static_cast<uint8_t>(number & 0xff)))
    Py_RETURN_TRUE;
  Py_RETURN_NONE;
}

PyObject* AddTimerRow(const TimerRow& row) {
  constexpr std::string_view kWord = "unable to add timer";
  if (services().triggers == nullptr)
    return Raise(PyExc_ValueError, fmt::format("{}: there is no master", kWord));
  const auto added = services().triggers->AddTimer(row);
  if (!added) return Refuse(added.error().text(), kWord);
  Py_RETURN_NONE;
}

// add_timer(number, seconds) -> None
PyObject* AddTimer(PyObject*, PyObject* args) noexcept {
  TimerRow row;
  int seconds = 0;
  if (!PyArg_ParseTuple(args, "O&i:add_timer", SignalConverter, &row.signal, &seconds))
    return nullptr;
  row.period_us = seconds * kSecond;
  return AddTimerRow(row);
}

// add_ms_timer(number, milliseconds) -> None
PyObject* AddMsTimer(PyObject*, PyObject* args) noexcept {
  TimerRow row;
  int milliseconds = 0;
  if (!PyArg_ParseTuple(args, "O&i:add_ms_timer", SignalConverter, &row.signal, &milliseconds))
    return nullptr;
  row.period_us = milliseconds * kMillisecond;
  return AddTimerRow(row);
}

// add_rb_timer(number, seconds[, iterations]) -> None: 0 iterations are for ever
PyObject* AddRbTimer(PyObject*, PyObject* args) noexcept {
  TimerRow row;
  int seconds = 0, iterations = 0;
  if (!PyArg_ParseTuple(args, "O&i|i:add_rb_timer", SignalConverter, &row.signal, &seconds,
                        &iterations))
    return nullptr;
  row.period_us = seconds * kSecond;
  row.times = iterations;
  return AddTimerRow(row);
}

// add_cron(number, minute, hour, day, month, weekday) -> True
PyObject* AddCron(PyObject*, PyObject* args) noexcept {
  CronRow row;
  CronFields& fields = row.fields;
  if (!PyArg_ParseTuple(args, "O&iiiii:add_cron", SignalConverter, &row.signal, &fields.minute,
                        &fields.hour, &fields.day, &fields.month, &fields.weekday))
    return nullptr;
  constexpr std::string_view kWord = "unable to add cron";
  if (services().triggers == nullptr)
    return Raise(PyExc_ValueError, fmt::format("{}: there is no master", kWord));
  const auto added = services().triggers->AddCron(row);
  if (!added) return Refuse(added.error().text(), kWord);
  Py_RETURN_TRUE;
}

// add_file_monitor(number, path) -> None
PyObject* AddFileMonitor(PyObject*, PyObject* args) noexcept {
  uint8_t signal = 0;
  std::string path;
  if (!PyArg_ParseTuple(args, "O&O&:add_file_monitor", SignalConverter, &signal, PathConverter,
                        &path))
    return nullptr;
  constexpr std::string_view kWord = "unable to add file monitor";
  if (services().triggers == nullptr)
    return Raise(PyExc_ValueError, fmt::format("{}: there is no master", kWord));
  const auto added = services().triggers->AddMonitor(signal, path);
  if (!added) return Refuse(added.error().text(), kWord);
  Py_RETURN_NONE;
}

PyMethodDef kMethods[] = {
    {"register_signal", RegisterSignal, METH_VARARGS, nullptr},
    {"signal", Signal, METH_VARARGS, nullptr},
    {"signal_wait", SignalWait, METH_VARARGS, nullptr},
    {"signal_received", SignalReceived, METH_NOARGS, nullptr},
    {"signal_registered", SignalRegistered, METH_VARARGS, nullptr},
    {"add_timer", AddTimer, METH_VARARGS, nullptr},
    {"add_ms_timer", AddMsTimer, METH_VARARGS, nullptr},
    {"add_rb_timer", AddRbTimer, METH_VARARGS, nullptr},
    {"add_cron", AddCron, METH_VARARGS, nullptr},
    {"add_file_monitor", AddFileMonitor, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* SignalMethods() { return kMethods; }

}  // namespace uwsgi
