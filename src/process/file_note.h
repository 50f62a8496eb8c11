// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "net/file_watch.h"
#include "process/hand_over.h"

namespace uwsgi {

// How a watched file was seen last, for the program after a reload; `name` tells the notes of one
// duty from those of another.
Note FileNote(std::string_view name, std::string_view state, const std::string& path);

// Watches a file, going on where the program before a reload has left it. `predecessor` may be
// null, and need not have watched that file.
FileWatchId WatchOn(FileWatch& watch, const HandOver* predecessor, std::string_view name,
                    const std::string& path, FileWatch::Callback on_change);

}  // namespace uwsgi
