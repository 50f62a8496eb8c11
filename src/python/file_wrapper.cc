// SPDX-License-Identifier: Apache-2.0
#include "python/file_wrapper.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "python/convert.h"

namespace uwsgi {
namespace {

constexpr Py_ssize_t kDefaultBlock = 65536;

struct Wrapper {
  PyObject_HEAD PyObject* file;
  Py_ssize_t block_size;
};

Wrapper* Self(PyObject* self) { return reinterpret_cast<Wrapper*>(self); }

PyTypeObject wrapper_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

PyObject* New(PyTypeObject* type, PyObject* args, PyObject* keywords) noexcept {
  static const char* names[] = {"filelike", "blksize", nullptr};
  PyObject* file = nullptr;
  Py_ssize_t block_size = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|n:file_wrapper", const_cast<char**>(names),
                                   &file, &block_size)) {
    return nullptr;
  }
  if (PyObject_HasAttrString(file, "read") == 0) {
    PyErr_SetString(PyExc_AttributeError, "object has no attribute 'read'");
    return nullptr;
  }
  PyObject* const self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  Py_INCREF(file);
  Self(self)->file = file;
  Self(self)->block_size = block_size > 0 ? block_size : kDefaultBlock;
  return self;
}

// What calls code of the application is not noexcept: see GilRelease.

PyObject* Next(PyObject* self) {
  PyRef block =
      PyRef::Steal(PyObject_CallMethod(Self(self)->file, "read", "n", Self(self)->block_size));
  if (!block) return nullptr;
  const int has_data = PyObject_IsTrue(block.get());
  return has_data == 1 ? block.Release() : nullptr;
}

PyObject* Close(PyObject* self, PyObject*) {
  if (PyObject_HasAttrString(Self(self)->file, "close") == 0) Py_RETURN_NONE;
  return PyObject_CallMethod(Self(self)->file, "close", nullptr);
}

PyObject* GetAttribute(PyObject* self, PyObject* name) {
  PyObject* const own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return own;
  PyErr_Clear();
  return PyObject_GetAttr(Self(self)->file, name);
}

int Traverse(PyObject* self, visitproc visit, void* arg) noexcept {
  Py_VISIT(Self(self)->file);
  return 0;
}

int Clear(PyObject* self) {
  PyObject* const file = Self(self)->file;
  Py_INCREF(Py_None);
  Self(self)->file = Py_None;
  Py_DECREF(file);
  return 0;
}

void Dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(Self(self)->file);
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef kMethods[] = {
    {"close", Close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

// What open(..., "rb") returns, with and without a buffer; borrowed, looked up once.
struct PlainFileTypes {
  PyObject* unbuffered = nullptr;
  PyObject* reader = nullptr;
  PyObject* random = nullptr;
};
PlainFileTypes plain_types;

bool FindPlainFileTypes() {
  const PyRef io = PyRef::Steal(PyImport_ImportModule("io"));
  if (!io) return false;
  plain_types.unbuffered = PyObject_GetAttrString(io.get(), "FileIO");
  plain_types.reader = PyObject_GetAttrString(io.get(), "BufferedReader");
  plain_types.random = PyObject_GetAttrString(io.get(), "BufferedRandom");
  return plain_types.unbuffered != nullptr && plain_types.reader != nullptr &&
         plain_types.random != nullptr;
}

bool IsPlainFile(PyObject* file) {
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(file));
  if (type == plain_types.unbuffered) return true;
  if (type != plain_types.reader && type != plain_types.random) return false;
  const PyRef raw = PyRef::Steal(PyObject_GetAttrString(file, "raw"));
  return raw && reinterpret_cast<PyObject*>(Py_TYPE(raw.get())) == plain_types.unbuffered;
}

// Whether the object says itself that it is that file. One that does not may read it in a way of
// its own: deciphered, or only a part.
bool HasDescriptorOf(PyObject* object, PyObject* file) {
  const int fd = PyObject_AsFileDescriptor(object);
  return fd >= 0 && fd == PyObject_AsFileDescriptor(file);
}

// The object itself or the one it carries as `file`; empty when neither is a plain file.
PyRef PlainFileOf(PyObject* object) {
  if (IsPlainFile(object)) return PyRef::Borrow(object);
  PyRef carried = PyRef::Steal(PyObject_GetAttrString(object, "file"));
  const bool is_it =
      carried && IsPlainFile(carried.get()) && HasDescriptorOf(object, carried.get());
  return is_it ? std::move(carried) : PyRef();
}

}  // namespace

bool ReadyFileWrapperType() {
  wrapper_type.tp_name = "uwsgi.FileWrapper";
  wrapper_type.tp_basicsize = sizeof(Wrapper);
  wrapper_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC;
  wrapper_type.tp_new = New;
  wrapper_type.tp_dealloc = Dealloc;
  wrapper_type.tp_traverse = Traverse;
  wrapper_type.tp_clear = Clear;
  wrapper_type.tp_getattro = GetAttribute;
  wrapper_type.tp_iter = PyObject_SelfIter;
  wrapper_type.tp_iternext = Next;
  wrapper_type.tp_methods = kMethods;
  return PyType_Ready(&wrapper_type) == 0 && FindPlainFileTypes();
}

PyObject* FileWrapperType() { return reinterpret_cast<PyObject*>(&wrapper_type); }

bool IsFileWrapper(PyObject* object) { return Py_IS_TYPE(object, &wrapper_type); }

PyObject* WrappedFile(PyObject* wrapper) { return Self(wrapper)->file; }

OpenedFile FileBehind(PyObject* object) {
  OpenedFile opened;
  const PyRef file = PlainFileOf(object);
  const int fd = file ? PyObject_AsFileDescriptor(file.get()) : -1;
  struct stat facts {};
  if (fd >= 0 && ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode)) {
    const PyRef position = PyRef::Steal(PyObject_CallMethod(file.get(), "tell", nullptr));
    const unsigned long long offset = position ? PyLong_AsUnsignedLongLong(position.get()) : 0;
    if (PyErr_Occurred() == nullptr) {
      opened.fd.Reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      opened.offset = offset;
      opened.is_empty = facts.st_size == 0;
    }
  }
  PyErr_Clear();
  return opened;
}

}  // namespace uwsgi
