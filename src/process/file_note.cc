// SPDX-License-Identifier: Apache-2.0
#include "process/file_note.h"

#include <fmt/format.h>

#include <utility>

namespace uwsgi {
namespace {

// Empty when there is none.
std::string_view FormerState(const HandOver* predecessor, std::string_view name,
                             std::string_view path) {
  if (predecessor == nullptr) return {};
  for (const Note& note : predecessor->notes) {
    const std::string_view text = note.text;
    const size_t blank = text.find(' ');
    if (note.name != name || blank == std::string_view::npos) continue;
    if (text.substr(blank + 1) == path) return text.substr(0, blank);
  }
  return {};
}

}  // namespace

Note FileNote(std::string_view name, std::string_view state, const std::string& path) {
  return {std::string(name), fmt::format("{} {}", state, path)};
}

FileWatchId WatchOn(FileWatch& watch, const HandOver* predecessor, std::string_view name,
                    const std::string& path, FileWatch::Callback on_change) {
  const std::string_view state = FormerState(predecessor, name, path);
  return state.empty() ? watch.Add(path, std::move(on_change))
                       : watch.AddSince(state, path, std::move(on_change));
}

}  // namespace uwsgi
