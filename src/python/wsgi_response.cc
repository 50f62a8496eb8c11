// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_response.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "python/chunk_owner.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"

namespace uwsgi {
namespace {

// Both callables look the same: what they do, and for which request.
struct Bound {
  PyObject_HEAD vectorcallfunc vectorcall;
  CallState* call;  // nullptr once detached
  PyObject* write;  // start_response only: the write() of the same request
};

Bound* Self(PyObject* self) { return reinterpret_cast<Bound*>(self); }

PyTypeObject start_response_type = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyTypeObject write_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

CallState* LiveCall(PyObject* self, const char* name) {
  CallState* const call = Self(self)->call;
  if (call == nullptr) PyErr_Format(PyExc_RuntimeError, "%s() of a request that has ended", name);
  return call;
}

bool FailType(const char* message) {
  PyErr_SetString(PyExc_TypeError, message);
  return false;
}

bool FailValue(const Error& error) {
  Raise(PyExc_ValueError, error.message);
  return false;
}

bool AddHeader(Response& response, PyObject* item) {
  if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) < 2)
    return FailType("http header must be defined in a tuple");
  PyObject* const name = PyTuple_GET_ITEM(item, 0);
  PyObject* const value = PyTuple_GET_ITEM(item, 1);
  if (!PyUnicode_Check(name)) return FailType("http header key must be a string");
  if (!PyUnicode_Check(value)) return FailType("http header value must be a string");
  const auto name_bytes = AsLatin1(name);
  const auto value_bytes = AsLatin1(value);
  if (!name_bytes || !value_bytes) return FailType("http header must be encodable in latin1");
  const Status added = response.AddHeader(*name_bytes, *value_bytes);
  return added ? true : FailValue(added.error());
}

bool SetHead(Response& response, PyObject* status, PyObject* headers) {
  if (!PyUnicode_Check(status)) return FailType("http status must be a string");
  if (!PyList_Check(headers)) return FailType("http headers must be in a python list");
  const auto status_bytes = AsLatin1(status);
  if (!status_bytes) return FailType("http status must be encodable in latin1");
  const Status started = response.Start(*status_bytes);
  if (!started) return FailValue(started.error());
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); ++i) {
    if (!AddHeader(response, PyList_GET_ITEM(headers, i))) return false;
  }
  return true;
}

// PEP 3333: the exception that the application is reporting goes on when the head has left. Always
// nullptr.
PyObject* ReRaise(PyObject* exc_info) {
  if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
    return Raise(PyExc_TypeError, "exc_info must be a tuple of three");
  }
  PyObject* const value = PyTuple_GET_ITEM(exc_info, 1);
  if (!PyExceptionInstance_Check(value))
    return Raise(PyExc_TypeError, "exc_info holds no exception");
  if (PyTraceBack_Check(PyTuple_GET_ITEM(exc_info, 2))) {
    PyException_SetTraceback(value, PyTuple_GET_ITEM(exc_info, 2));
  }
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(value)), value);
  return nullptr;
}

struct StartArguments {
  PyObject* status = nullptr;
  PyObject* headers = nullptr;
  PyObject* exc_info = nullptr;
};

bool TakeKeyword(StartArguments& into, PyObject* keyword, PyObject* value) {
  const std::string_view name = AsLatin1(keyword).value_or("");
  PyObject** const place = name == "status"                                  ? &into.status
                           : name == "headers" || name == "response_headers" ? &into.headers
                           : name == "exc_info"                              ? &into.exc_info
                                                                             : nullptr;
  if (place == nullptr || *place != nullptr) {
    PyErr_Format(PyExc_TypeError, "start_response() got an unexpected keyword argument %R",
                 keyword);
    return false;
  }
  *place = value;
  return true;
}

bool ParseStart(StartArguments& into, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  if (count > 3) return FailType("start_response() takes at most 3 arguments");
  if (count > 0) into.status = args[0];
  if (count > 1) into.headers = args[1];
  if (count > 2) into.exc_info = args[2];
  const Py_ssize_t keyword_count = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < keyword_count; ++i) {
    if (!TakeKeyword(into, PyTuple_GET_ITEM(keywords, i), args[count + i])) return false;
  }
  if (into.status == nullptr || into.headers == nullptr) {
    return FailType("start_response() takes at least 2 arguments");
  }
  if (into.exc_info == Py_None) into.exc_info = nullptr;
  return true;
}

PyObject* CallStartResponse(PyObject* self, PyObject* const* args, size_t count_and_flag,
                            PyObject* keywords) noexcept {
  CallState* const call = LiveCall(self, "start_response");
  StartArguments given;
  if (call == nullptr || !ParseStart(given, args, PyVectorcall_NARGS(count_and_flag), keywords))
    return nullptr;
  if (call->sending.is_taken())
    return Raise(PyExc_AssertionError, "start_response() while another thread sends");
  if (given.exc_info != nullptr && call->response.head_sent()) return ReRaise(given.exc_info);
  if (call->head_ready && given.exc_info == nullptr) {
    return Raise(PyExc_AssertionError, "start_response() was called before, and without exc_info");
  }
  call->head_ready = false;  // what was prepared is gone even when the new head is refused
  if (!SetHead(call->response, given.status, given.headers)) return nullptr;
  call->head_ready = true;
  PyObject* const write = Self(self)->write;
  Py_INCREF(write);
  return write;
}

// Not noexcept: it may wait, see GilRelease.
PyObject* CallWrite(PyObject* self, PyObject* const* args, size_t count_and_flag,
                    PyObject* keywords) {
  CallState* const call = LiveCall(self, "write");
  if (call == nullptr) return nullptr;
  if (PyVectorcall_NARGS(count_and_flag) != 1 || keywords != nullptr) {
    return Raise(PyExc_TypeError, "write() takes exactly one argument");
  }
  if (!PyBytes_Check(args[0])) return Raise(PyExc_TypeError, "write() argument must be bytes");
  if (!call->head_ready) return Raise(PyExc_AssertionError, "write() before start_response()");
  if (!SendChunk(*call, args[0], Flush::kNow) && PyErr_Occurred() != nullptr) return nullptr;
  Py_RETURN_NONE;
}

void Dealloc(PyObject* self) noexcept {
  Py_XDECREF(Self(self)->write);
  Py_TYPE(self)->tp_free(self);
}

bool Ready(PyTypeObject& type, const char* name) {
  type.tp_name = name;
  type.tp_basicsize = sizeof(Bound);
  type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL;
  type.tp_vectorcall_offset = offsetof(Bound, vectorcall);
  type.tp_call = PyVectorcall_Call;
  type.tp_dealloc = Dealloc;
  return PyType_Ready(&type) == 0;
}

PyRef NewBound(PyTypeObject& type, vectorcallfunc function) {
  PyRef bound = PyRef::Steal(type.tp_alloc(&type, 0));
  if (bound) Self(bound.get())->vectorcall = function;
  return bound;
}

bool IsUnshared(const PyRef& start_response) {
  return start_response && Py_REFCNT(start_response.get()) == 1 &&
         Py_REFCNT(Self(start_response.get())->write) == 1;
}

}  // namespace

bool ReadyResponseTypes() {
  return Ready(start_response_type, "uwsgi.start_response") && Ready(write_type, "uwsgi.write");
}

PyRef MakeStartResponse(CallState& call, PyRef reuse) {
  if (!IsUnshared(reuse)) {
    reuse = NewBound(start_response_type, CallStartResponse);
    if (!reuse) return {};
    Self(reuse.get())->write = NewBound(write_type, CallWrite).Release();
    if (Self(reuse.get())->write == nullptr) return {};
  }
  Self(reuse.get())->call = &call;
  Self(Self(reuse.get())->write)->call = &call;
  return reuse;
}

void DetachStartResponse(PyObject* start_response) {
  Self(start_response)->call = nullptr;
  Self(Self(start_response)->write)->call = nullptr;
}

// A slow client is waited for before the next chunk goes, never after the last one: the loop sends
// what is left.
bool SendChunk(CallState& call, PyObject* bytes, Flush flush) {
  const Turn turn(call.sending);
  if (!turn) return false;
  call.has_written = true;
  SendOutcome outcome = call.is_disconnected ? SendOutcome::kClientGone : SendOutcome::kOk;
  if (outcome == SendOutcome::kOk && call.response.needs_room()) {
    GilRelease unlocked;
    outcome = call.response.WaitForRoom();
  }
  if (outcome == SendOutcome::kOk)
    outcome = call.response.Write(AsView(bytes), OwnerOf(bytes), flush);
  if (outcome == SendOutcome::kOk) return true;
  if (call.raise_write_errors) PyErr_SetString(PyExc_OSError, "write error");
  return false;
}

}  // namespace uwsgi
