// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python/py.h"
#include "request/response.h"

namespace uwsgi {

// The owner of a body chunk that lies in a bytes object. The response keeps the object while the
// kernel has not taken the chunk, and gives it back on any thread without the GIL: such objects
// wait in a list until somebody holds the GIL anyway.
ChunkOwner OwnerOf(PyObject* bytes);
// Whether objects wait. Any thread, without the GIL.
bool HasReleasedChunks();
// Drops the objects that wait. With the GIL held.
void DropReleasedChunks();

}  // namespace uwsgi
