// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace uwsgi {

// When the source files of modules were read, for whoever begins to watch them later
// (py-autoreload). With the GIL held, all of it; children of a fork inherit what is known.

// Python tells of its imports from now on.
Status RememberReads();
// A file that is about to be read without Python's import; nothing happens unless reads are
// remembered.
void NoteRead(const std::string& file);
// Microseconds since 1970, a moment early rather than late; 0 when nothing is known of it.
int64_t ReadMicros(const std::string& file);

}  // namespace uwsgi
