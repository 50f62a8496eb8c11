// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_call.h"

#include <algorithm>

#include "base/log.h"
#include "python/convert.h"
#include "python/exception_page.h"
#include "python/file_wrapper.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/wsgi_response.h"

namespace uwsgi {
namespace {

// How far a walk over the result came.
enum class Walk : uint8_t {
  kDone,
  kFailed,      // a Python exception is set, or the reason has been logged
  kClientGone,  // nothing more can be sent; OSError is set unless it is to be kept quiet
};

bool LogNoHead() {
  Log("[ERROR] the application returned a body without calling start_response");
  return false;
}

Walk AfterSend(bool sent) { return sent ? Walk::kDone : Walk::kClientGone; }

bool AreAllBytes(PyObject* const* items, Py_ssize_t count, uint64_t& total) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!PyBytes_CheckExact(items[i])) return false;
    total += static_cast<uint64_t>(PyBytes_GET_SIZE(items[i]));
  }
  return true;
}

// A list or tuple of bytes: its length is known, and all but the last piece may wait for the next.
Walk SendSequence(CallState& call, PyObject* sequence, uint64_t total) {
  if (!call.head_ready) return LogNoHead(), Walk::kFailed;
  if (!call.has_written) call.response.SetBodyLength(total);
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    // Sending may let other threads run, and a list may change under them.
    const PyRef piece = PyRef::Borrow(PySequence_Fast_GET_ITEM(sequence, i));
    if (!PyBytes_CheckExact(piece.get())) return Walk::kFailed;
    const bool is_last = i + 1 >= PySequence_Fast_GET_SIZE(sequence);
    if (!SendChunk(call, piece.get(), is_last ? Flush::kNow : Flush::kLater))
      return Walk::kClientGone;
  }
  return Walk::kDone;
}

Walk SendOneBytes(CallState& call, PyObject* bytes) {
  if (!call.head_ready) return LogNoHead(), Walk::kFailed;
  if (!call.has_written) call.response.SetBodyLength(AsView(bytes).size());
  return AfterSend(SendChunk(call, bytes, Flush::kNow));
}

Walk SendItem(CallState& call, PyObject* item) {
  if (item == Py_None) return Walk::kDone;  // compat: skipped without a word
  if (!PyBytes_Check(item)) {
    Log("[ERROR] Unhandled object from iterator: {} ({})", ReprText(item),
        static_cast<void*>(item));
    return Walk::kFailed;
  }
  if (PyBytes_GET_SIZE(item) == 0) return Walk::kDone;
  if (!call.head_ready) return LogNoHead(), Walk::kFailed;
  return AfterSend(SendChunk(call, item, Flush::kNow));
}

Walk SendIterable(CallState& call, PyObject* result) {
  const PyRef iterator = PyRef::Steal(PyObject_GetIter(result));
  if (!iterator) return Walk::kFailed;
  for (;;) {
    const PyRef item = PyRef::Steal(PyIter_Next(iterator.get()));
    if (!item) break;
    const Walk walk = SendItem(call, item.get());
    if (walk != Walk::kDone) return walk;
  }
  if (PyErr_Occurred() != nullptr) return Walk::kFailed;
  if (!call.head_ready) return LogNoHead(), Walk::kFailed;
  return Walk::kDone;
}

Walk SendOpenedFile(CallState& call, OpenedFile file) {
  const Turn turn(call.sending);
  if (!turn) return Walk::kFailed;
  SendOutcome outcome = SendOutcome::kClientGone;
  call.has_written = true;
  if (!call.is_disconnected) {
    GilRelease unlocked;
    outcome = call.response.SendFile(std::move(file.fd), file.offset, std::nullopt);
  }
  if (outcome == SendOutcome::kOk) return Walk::kDone;
  if (call.raise_write_errors) PyErr_SetString(PyExc_OSError, "write error");
  return Walk::kClientGone;
}

Walk SendWrapper(CallState& call, PyObject* wrapper) {
  if (call.head_ready) {
    OpenedFile file = FileBehind(WrappedFile(wrapper));
    if (file.fd.valid() && !file.is_empty) return SendOpenedFile(call, std::move(file));
  }
  return SendIterable(call, wrapper);
}

Walk SendResult(CallState& call, PyObject* result, const WsgiRules& rules) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result)) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(result);
    PyObject* const* const items = PySequence_Fast_ITEMS(result);
    if (count == 1 && PyBytes_CheckExact(items[0])) {
      const PyRef only = PyRef::Borrow(items[0]);
      return SendOneBytes(call, only.get());
    }
    uint64_t total = 0;
    if (AreAllBytes(items, count, total)) return SendSequence(call, result, total);
    return SendIterable(call, result);
  }
  if (PyBytes_CheckExact(result) && !rules.iterate_bytes) return SendOneBytes(call, result);
  if (IsFileWrapper(result)) return SendWrapper(call, result);
  return SendIterable(call, result);
}

// Once, after the last piece and whatever happened before; an exception in it is only logged.
bool CloseResult(PyObject* result) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result) || PyBytes_CheckExact(result))
    return true;
  static PyObject* const name = PyUnicode_InternFromString("close");
  const PyRef close = PyRef::Steal(PyObject_GetAttr(result, name));
  if (!close) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
      PyErr_Clear();
      return true;
    }
    LogException();
    return false;
  }
  const PyRef done = PyRef::Steal(PyObject_CallNoArgs(close.get()));
  if (!done) LogException();
  return static_cast<bool>(done);
}

bool IsOneOf(const std::vector<std::string>& texts, const PyRef& text) {
  if (text) return std::ranges::find(texts, ToLogText(text.get())) != texts.end();
  PyErr_Clear();
  return false;
}

bool IsWatched(const ExceptionWatch& watch, PyObject* exception) {
  if (watch.any) return true;
  PyObject* const type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  const PyRef name = PyRef::Steal(PyObject_GetAttrString(type, "__name__"));
  const PyRef module = PyRef::Steal(PyObject_GetAttrString(type, "__module__"));
  const PyRef full = name && module
                         ? PyRef::Steal(PyUnicode_FromFormat("%S.%S", module.get(), name.get()))
                         : PyRef();
  return IsOneOf(watch.types, name) || IsOneOf(watch.types, full) ||
         (!watch.values.empty() && IsOneOf(watch.values, PyRef::Steal(PyObject_Str(exception)))) ||
         (!watch.reprs.empty() && IsOneOf(watch.reprs, PyRef::Steal(PyObject_Repr(exception))));
}

void EndFailed(CallState& call, const WsgiRules& rules) {
  const PyRef exception = TakeException();
  if (exception) LogRaw(DescribeException(exception.get()));
  call.sending.End();  // another thread's write() may be under way
  if (exception && rules.watch.is_on()) call.is_monitored = IsWatched(rules.watch, exception.get());
  if (exception && rules.catch_exceptions && !call.response.head_sent()) {
    SendExceptionPage(call, exception.get());
  } else {
    call.response.Fail(500);
  }
}

}  // namespace

bool CallApplication(PyObject* application, CallState& call, const WsgiRules& rules) {
  PyObject* const arguments[] = {nullptr, call.environ, call.start_response};
  const PyRef result = PyRef::Steal(
      PyObject_Vectorcall(application, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  if (!result) {
    EndFailed(call, rules);
    return false;
  }
  const Walk walk = SendResult(call, result.get(), rules);
  if (walk == Walk::kFailed) EndFailed(call, rules);
  if (walk == Walk::kClientGone) LogException();
  const bool closed = CloseResult(result.get());
  return walk != Walk::kFailed && closed;
}

}  // namespace uwsgi
