// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "base/file.h"
#include "base/strings.h"
#include "python/api_module.h"
#include "python/call_state.h"
#include "python/convert.h"
#include "python/file_wrapper.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/wsgi_input.h"

namespace uwsgi {
namespace {

// request_id() -> int: requests this core completed before
PyObject* RequestId(PyObject*, PyObject*) noexcept {
  const CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  return PyLong_FromUnsignedLongLong(api().control->core_requests(call->request.core));
}

// cl() -> int: Content-Length of the request
PyObject* ContentLength(PyObject*, PyObject*) noexcept {
  const CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  return PyLong_FromUnsignedLongLong(call->request.body.length().value_or(0));
}

// connection_fd() -> int
PyObject* ConnectionFd(PyObject*, PyObject*) noexcept {
  const CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  return PyLong_FromLong(call->request.connection_fd);
}

// disconnect() -> None: the client gets nothing more; the application goes on
PyObject* Disconnect(PyObject*, PyObject*) noexcept {
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  call->is_disconnected = true;
  call->response.Abandon();
  // The descriptor stays with its connection; only its traffic ends.
  static_cast<void>(::shutdown(call->request.connection_fd, SHUT_RDWR));
  Py_RETURN_NONE;
}

// is_connected(fd) -> bool
PyObject* IsConnected(PyObject*, PyObject* args) noexcept {
  int fd = -1;
  if (!PyArg_ParseTuple(args, "i:is_connected", &fd)) return nullptr;
  int error = 0;
  socklen_t size = sizeof error;
  pollfd state{.fd = fd, .events = POLLRDHUP, .revents = 0};
  const bool is_alive = ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0 &&
                        ::poll(&state, 1, 0) >= 0 &&
                        (state.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
  return PyBool_FromLong(is_alive ? 1 : 0);
}

// add_var(name, value) -> True: a request variable for what comes after the application
PyObject* AddVar(PyObject*, PyObject* args) noexcept {
  PyObject *name_object = nullptr, *value_object = nullptr;
  if (!PyArg_ParseTuple(args, "OO:add_var", &name_object, &value_object)) return nullptr;
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  const auto name = AsData(name_object, "add_var");
  const auto value = name ? AsData(value_object, "add_var") : std::nullopt;
  if (!value) return nullptr;
  Request& request = call->request;
  request.vars.SetByName(request.arena.Copy(*name), request.arena.Copy(*value));
  Py_RETURN_TRUE;
}

// The file that sendfile() is about: a path, a descriptor, or an object with fileno().
OpenedFile OpenWhat(PyObject* what) {
  if (!PyUnicode_Check(what) && !PyBytes_Check(what)) {
    OpenedFile opened = FileBehind(what);
    if (opened.fd.valid() || !PyLong_Check(what)) return opened;
    opened.fd.Reset(::fcntl(static_cast<int>(PyLong_AsLong(what)), F_DUPFD_CLOEXEC, 0));
    PyErr_Clear();
    return opened;
  }
  OpenedFile opened;
  std::string path;
  if (PathConverter(what, &path) != 0) {
    auto file = OpenFile(path, O_RDONLY | O_NONBLOCK);  // a pipe would wait for a writer
    if (file) opened.fd = std::move(*file);
  }
  PyErr_Clear();
  return opened;
}

// sendfile(what[, chunk, offset, size]) -> True, or None when it cannot be opened. Not noexcept: it
// may wait, see GilRelease.
PyObject* SendFile(PyObject*, PyObject* args) {
  PyObject* what = nullptr;
  Py_ssize_t chunk = 0;
  long long offset = 0, size = 0;
  if (!PyArg_ParseTuple(args, "O|nLL:sendfile", &what, &chunk, &offset, &size)) return nullptr;
  CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  if (!call->head_ready) return Raise(PyExc_AssertionError, "sendfile() before start_response()");
  OpenedFile file = OpenWhat(what);
  if (!file.fd.valid()) Py_RETURN_NONE;
  const uint64_t from = offset > 0 ? static_cast<uint64_t>(offset) : file.offset;
  std::optional<uint64_t> limit;
  if (size > 0) limit = static_cast<uint64_t>(size);
  const Turn turn(call->sending);
  if (!turn) return nullptr;
  SendOutcome outcome = SendOutcome::kClientGone;
  call->has_written = true;
  if (!call->is_disconnected) {
    GilRelease unlocked;
    outcome = call->response.SendFile(std::move(file.fd), from, limit);
  }
  if (outcome == SendOutcome::kClientGone && call->raise_write_errors)
    return Raise(PyExc_OSError, "write error");
  Py_RETURN_TRUE;
}

// chunked_read(timeout=0) -> bytes: the next part of the body, b"" at its end. compat: it is as
// long as what has arrived, and waits as wsgi.input does: chunks and `timeout` are the connection's
// affair.
PyObject* ChunkedRead(PyObject*, PyObject* args) noexcept {
  int timeout = 0;
  if (!PyArg_ParseTuple(args, "|i:chunked_read", &timeout)) return nullptr;
  const CallState* const call = CurrentCallOrRaise();
  if (call == nullptr) return nullptr;
  const PyRef input = PyRef::Borrow(PyDict_GetItemString(call->environ, "wsgi.input"));
  return ReadWhatArrives(input.get());
}

// ready_fd() -> int: only asynchronous servers have one
PyObject* ReadyFd(PyObject*, PyObject*) noexcept { return PyLong_FromLong(-1); }

// suspend() -> True: threads need no help to let others run
PyObject* Suspend(PyObject*, PyObject*) {
  { GilRelease unlocked; }
  Py_RETURN_TRUE;
}

PyMethodDef kMethods[] = {
    {"request_id", RequestId, METH_NOARGS, nullptr},
    {"cl", ContentLength, METH_NOARGS, nullptr},
    {"connection_fd", ConnectionFd, METH_NOARGS, nullptr},
    {"disconnect", Disconnect, METH_NOARGS, nullptr},
    {"is_connected", IsConnected, METH_VARARGS, nullptr},
    {"add_var", AddVar, METH_VARARGS, nullptr},
    {"sendfile", SendFile, METH_VARARGS, nullptr},
    {"chunked_read", ChunkedRead, METH_VARARGS, nullptr},
    {"ready_fd", ReadyFd, METH_NOARGS, nullptr},
    {"suspend", Suspend, METH_NOARGS, nullptr},
    {"green_schedule", Suspend, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyMethodDef* RequestMethods() { return kMethods; }

}  // namespace uwsgi
