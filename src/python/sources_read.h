// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace uwsgi {

// What the source files of modules held when they were read, for whoever begins to watch them later
// (py-autoreload). With the GIL held, all of it but PrintOf(); children of a fork inherit what is
// known.

// Tells one content from another, within this process and its forks.
using SourcePrint = uint64_t;

// Python tells of its imports from now on.
Status RememberSources();
// A source that has been read without Python's import; nothing happens unless sources are
// remembered.
void NoteSource(const std::string& file, std::string_view content);
// Empty when nothing is known of it.
std::optional<SourcePrint> SourceAsRead(const std::string& file);
// Of what is in the file now; empty when it cannot be read.
std::optional<SourcePrint> PrintOf(const std::string& file);

}  // namespace uwsgi
