// SPDX-License-Identifier: Apache-2.0
#include "python/wsgi_input.h"

#include <cstring>
#include <string>

#include "base/strings.h"
#include "python/convert.h"
#include "python/gil.h"
#include "python/py_error.h"
#include "python/turns.h"

namespace uwsgi {
namespace {

constexpr size_t kFirstPiece =
    65536;                            // a body may claim any length: memory grows with what arrives
constexpr size_t kLookAhead = 16384;  // read at once when looking for the end of a line
constexpr size_t kMostKept = 4 * kLookAhead;  // of memory, for the next request

struct Input {
  PyObject_HEAD Request* request;  // nullptr once detached
  std::string* ahead;              // bytes read from the body but not yet given out
  size_t ahead_at;
  bool has_lost;  // bytes of the body for which there was no memory
  Turns turns;    // of whoever reads a body that is not in memory
};

Input* Self(PyObject* self) { return reinterpret_cast<Input*>(self); }

BodySource* Body(PyObject* self) {
  Request* const request = Self(self)->request;
  if (request == nullptr) {
    PyErr_SetString(PyExc_ValueError, "I/O operation on wsgi.input of a request that has ended");
    return nullptr;
  }
  return &request->body;
}

ByteView Ahead(const Input* input) { return ByteView(*input->ahead).substr(input->ahead_at); }

void TakeAhead(Input* input, size_t size) {
  input->ahead_at += size;
  if (input->ahead_at == input->ahead->size()) {
    input->ahead->clear();
    input->ahead_at = 0;
  }
}

// Reads from a body that is not in memory, by whoever has the turn.
Result<size_t> ReadSlowly(const Input* input, BodySource& body, char* into, size_t size) {
  if (input->has_lost) return Fail("a part of the request body was lost");
  Result<size_t> got = 0;
  {
    GilRelease unlocked;
    got = body.Read(into, size);
  }
  // The core waits for this thread, but not until it has all that it wants.
  if (input->request == nullptr) return Fail("the request has ended");
  return got;
}

PyObject* RaiseReadError(const Error& error, const char* call, Py_ssize_t size) {
  const bool timed_out = StartsWith(error.message, "Timeout");  // as the log line of it says
  return PyErr_Format(PyExc_OSError, "%s during %s(%zd) on wsgi.input",
                      timed_out ? "timeout" : "error", call, size < 0 ? Py_ssize_t{0} : size);
}

// How much memory a body takes is up to the client. No later reading skips what is lost.
template <typename Reading>
PyObject* ReadWithinMemory(Input* input, const Reading& reading) {
  return WithinMemory(reading, [input] { input->has_lost = true; });
}

// Up to `wanted` bytes (SIZE_MAX: all that is left) of a body that is not in memory, by whoever has
// the turn.
PyObject* CollectPieces(Input* input, BodySource& body, size_t wanted, const char* call,
                        Py_ssize_t asked) {
  std::string collected(Ahead(input).substr(0, wanted));
  TakeAhead(input, collected.size());
  size_t piece = kFirstPiece;
  while (collected.size() < wanted && !body.AtEnd()) {
    size_t room = std::min(piece, wanted - collected.size());
    if (body.length()) room = std::min<uint64_t>(room, *body.length() - body.consumed());
    const size_t before = collected.size();
    collected.resize(before + room);
    const auto got = ReadSlowly(input, body, collected.data() + before, room);
    if (!got) return RaiseReadError(got.error(), call, asked);
    collected.resize(before + *got);
    if (*got == 0) break;
    if (*got == room) piece = std::min(piece * 2, size_t{1} << 20);
  }
  return ToBytes(collected).Release();
}

PyObject* ReadPieces(Input* input, BodySource& body, size_t wanted, const char* call,
                     Py_ssize_t asked) {
  const Turn turn(input->turns);
  if (!turn) return nullptr;
  return ReadWithinMemory(input, [&] { return CollectPieces(input, body, wanted, call, asked); });
}

PyObject* ReadBytes(PyObject* self, size_t wanted, const char* call, Py_ssize_t asked) {
  BodySource* const body = Body(self);
  if (body == nullptr) return nullptr;
  if (!body->in_memory()) return ReadPieces(Self(self), *body, wanted, call, asked);
  const ByteView rest = body->rest_in_memory().substr(0, wanted);
  body->SkipInMemory(rest.size());
  return ToBytes(rest).Release();
}

// One line, at most `limit` bytes of it, of a body that is not in memory, by whoever has the turn.
PyObject* SeekLine(Input* input, BodySource& body, size_t limit, Py_ssize_t asked) {
  size_t searched = 0;
  for (;;) {
    const ByteView ahead = Ahead(input);
    const size_t newline = ahead.find('\n', searched);
    size_t size = newline == ByteView::npos ? ahead.size() : newline + 1;
    if (newline != ByteView::npos || size >= limit || body.AtEnd()) {
      size = std::min(size, limit);
      PyObject* const line = ToBytes(ahead.substr(0, size)).Release();
      TakeAhead(input, size);
      return line;
    }
    searched = ahead.size();
    input->ahead->erase(0, input->ahead_at);
    input->ahead_at = 0;
    const size_t before = input->ahead->size();
    input->ahead->resize(before + kLookAhead);
    const auto got = ReadSlowly(input, body, input->ahead->data() + before, kLookAhead);
    input->ahead->resize(before + got.value_or(0));
    if (!got) return RaiseReadError(got.error(), "readline", asked);
    if (*got == 0 && before == 0) return ToBytes({}).Release();
  }
}

PyObject* ReadLineSlowly(Input* input, BodySource& body, size_t limit, Py_ssize_t asked) {
  const Turn turn(input->turns);
  if (!turn) return nullptr;
  return ReadWithinMemory(input, [&] { return SeekLine(input, body, limit, asked); });
}

PyObject* ReadLineBytes(PyObject* self, size_t limit, Py_ssize_t asked) {
  BodySource* const body = Body(self);
  if (body == nullptr) return nullptr;
  if (!body->in_memory()) return ReadLineSlowly(Self(self), *body, limit, asked);
  const ByteView rest = body->rest_in_memory().substr(0, limit);
  const size_t newline = rest.find('\n');
  const ByteView line = newline == ByteView::npos ? rest : rest.substr(0, newline + 1);
  body->SkipInMemory(line.size());
  return ToBytes(line).Release();
}

// The one optional argument `size` of the reading methods; None and nothing are -1. False: an
// exception is set.
bool ParseSize(const char* format, PyObject* args, PyObject* keywords, Py_ssize_t& size) {
  static const char* names[] = {"size", nullptr};
  PyObject* given = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, format, const_cast<char**>(names), &given))
    return false;
  size = -1;
  if (given == Py_None) return true;
  size = PyNumber_AsSsize_t(given, PyExc_OverflowError);
  return size != -1 || PyErr_Occurred() == nullptr;
}

// compat: a size of 0 asks for everything, as a negative one does.
size_t Limit(Py_ssize_t size) { return size <= 0 ? SIZE_MAX : static_cast<size_t>(size); }

PyObject* Read(PyObject* self, PyObject* args, PyObject* keywords) {
  Py_ssize_t size = -1;
  if (!ParseSize("|O:read", args, keywords, size)) return nullptr;
  return ReadBytes(self, Limit(size), "read", size);
}

PyObject* ReadLine(PyObject* self, PyObject* args, PyObject* keywords) {
  Py_ssize_t size = -1;
  if (!ParseSize("|O:readline", args, keywords, size)) return nullptr;
  return ReadLineBytes(self, Limit(size), size);
}

PyObject* ReadLines(PyObject* self, PyObject* args, PyObject* keywords) {
  Py_ssize_t hint = -1;
  if (!ParseSize("|O:readlines", args, keywords, hint)) return nullptr;
  PyObject* const lines = PyList_New(0);
  size_t total = 0;
  while (lines != nullptr && total < Limit(hint)) {
    PyObject* const line = ReadLineBytes(self, SIZE_MAX, 0);
    const bool failed =
        line == nullptr || (PyBytes_GET_SIZE(line) > 0 && PyList_Append(lines, line) != 0);
    const size_t size = line == nullptr ? 0 : AsView(line).size();
    Py_XDECREF(line);
    if (failed) {
      Py_DECREF(lines);
      return nullptr;
    }
    if (size == 0) break;
    total += size;
  }
  return lines;
}

PyObject* Next(PyObject* self) {
  PyObject* const line = ReadLineBytes(self, SIZE_MAX, 0);
  if (line == nullptr || PyBytes_GET_SIZE(line) > 0) return line;
  Py_DECREF(line);
  return nullptr;  // no exception: the iteration ends
}

uint64_t Position(const Input* input, const BodySource& body) {
  return body.consumed() - Ahead(input).size();
}

PyObject* Tell(PyObject* self, PyObject*) noexcept {
  const BodySource* const body = Body(self);
  if (body == nullptr) return nullptr;
  return PyLong_FromUnsignedLongLong(Position(Self(self), *body));
}

PyObject* Seek(PyObject* self, PyObject* args) noexcept {
  long long offset = 0;
  int whence = SEEK_SET;
  if (!PyArg_ParseTuple(args, "L|i:seek", &offset, &whence)) return nullptr;
  BodySource* const body = Body(self);
  if (body == nullptr) return nullptr;
  if (Self(self)->turns.is_taken())
    return Raise(PyExc_OSError, "seek() while another thread reads wsgi.input");
  if (!body->seekable()) {
    return Raise(PyExc_OSError, "seeking wsgi.input without post_buffering is IMPOSSIBLE !!!");
  }
  long long base = 0;
  if (whence == SEEK_CUR) base = static_cast<long long>(Position(Self(self), *body));
  if (whence == SEEK_END) base = static_cast<long long>(body->length().value_or(0));
  long long target = 0;
  const bool overflows = __builtin_add_overflow(base, offset, &target);
  if (overflows || target < 0 || whence < SEEK_SET || whence > SEEK_END ||
      !body->Seek(static_cast<uint64_t>(target))) {
    return Raise(PyExc_OSError, "invalid seek position for wsgi.input");
  }
  TakeAhead(Self(self), Ahead(Self(self)).size());
  Py_RETURN_NONE;
}

PyObject* FileNo(PyObject* self, PyObject*) noexcept {
  if (Body(self) == nullptr) return nullptr;
  return PyLong_FromLong(Self(self)->request->connection_fd);
}

PyObject* Close(PyObject*, PyObject*) noexcept { Py_RETURN_NONE; }

void Dealloc(PyObject* self) noexcept {
  delete Self(self)->ahead;
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef kMethods[] = {
    {"read", AsCFunction(Read), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"readline", AsCFunction(ReadLine), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"readlines", AsCFunction(ReadLines), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"close", Close, METH_NOARGS, nullptr},
    {"seek", Seek, METH_VARARGS, nullptr},
    {"tell", Tell, METH_NOARGS, nullptr},
    {"fileno", FileNo, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject input_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

}  // namespace

bool ReadyInputType() {
  input_type.tp_name = "uwsgi._Input";
  input_type.tp_basicsize = sizeof(Input);
  input_type.tp_flags = Py_TPFLAGS_DEFAULT;
  input_type.tp_dealloc = Dealloc;
  input_type.tp_iter = PyObject_SelfIter;
  input_type.tp_iternext = Next;
  input_type.tp_methods = kMethods;
  return PyType_Ready(&input_type) == 0;
}

PyRef MakeInput(Request& request, PyRef reuse) {
  if (!reuse || Py_REFCNT(reuse.get()) != 1) {
    reuse = PyRef::Steal(input_type.tp_alloc(&input_type, 0));
    if (!reuse) return {};
    Self(reuse.get())->ahead = new std::string;
  }
  Self(reuse.get())->request = &request;
  Self(reuse.get())->has_lost = false;
  Self(reuse.get())->turns.Begin();
  return reuse;
}

PyObject* ReadWhatArrives(PyObject* object) {
  constexpr const char* kFailure = "unable to receive chunked part";
  if (object == nullptr || !Py_IS_TYPE(object, &input_type)) return Raise(PyExc_OSError, kFailure);
  BodySource* const body = Body(object);
  if (body == nullptr) return nullptr;
  if (body->in_memory()) return ReadBytes(object, SIZE_MAX, "chunked_read", 0);
  Input* const input = Self(object);
  const Turn turn(input->turns);
  if (!turn) return nullptr;
  if (const ByteView ahead = Ahead(input); !ahead.empty()) {
    PyObject* const bytes = ToBytes(ahead).Release();
    TakeAhead(input, ahead.size());
    return bytes;
  }
  std::string piece(body->AtEnd() ? 0 : kFirstPiece, '\0');
  if (piece.empty()) return ToBytes(piece).Release();
  const auto got = ReadSlowly(input, *body, piece.data(), piece.size());
  if (!got) return Raise(PyExc_OSError, kFailure);
  return ToBytes(ByteView(piece).substr(0, *got)).Release();
}

void DetachInput(PyObject* input) {
  Self(input)->request = nullptr;
  Self(input)->turns.End();
  // A long line made it as large, and the next request uses it again.
  if (Self(input)->ahead->capacity() > kMostKept) std::string().swap(*Self(input)->ahead);
  Self(input)->ahead->clear();
  Self(input)->ahead_at = 0;
}

}  // namespace uwsgi
