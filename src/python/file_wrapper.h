// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/unique_fd.h"
#include "python/py_ref.h"

namespace uwsgi {

// wsgi.file_wrapper(file[, block size]): an iterable of a file's blocks that the server recognises
// when an application returns it, so that a real file leaves by sendfile. Attributes of the file
// can be reached through it. Needs the GIL.
bool ReadyFileWrapperType();
PyObject* FileWrapperType();  // borrowed
bool IsFileWrapper(PyObject* object);

// The regular file behind a wrapper or any file-like object: a descriptor of our own and the place
// where reading would go on.
struct OpenedFile {
  UniqueFd fd;
  uint64_t offset = 0;
  bool is_empty = false;  // by its size; the kernel's own files (/proc) can be read all the same
};
// An invalid descriptor when there is none that sendfile could use; no exception stays set.
OpenedFile FileBehind(PyObject* object);
// The object given to a wrapper; borrowed.
PyObject* WrappedFile(PyObject* wrapper);

}  // namespace uwsgi
