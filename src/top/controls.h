// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "top/columns.h"

namespace uwsgi::top {

// Keys that are no characters. Characters are themselves.
enum SpecialKey : int {
  kKeyUp = 0x110000,  // above every character
  kKeyDown,
  kKeyPageUp,
  kKeyPageDown,
  kKeyHome,
  kKeyResize,
};

// What the operator has chosen so far.
struct Controls {
  enum class Panel : uint8_t { kNone, kHelp, kFields };
  CoreMode cores = CoreMode::kWorkers;
  bool fast = false;
  bool paused = false;
  bool quit = false;
  size_t sort_column = ColumnNamed("REQ");
  bool descending = true;
  ColumnSet columns = ColumnsAtStart();
  Panel panel = Panel::kNone;
  size_t menu_line = 0;  // of the menu of fields
  size_t scroll = 0;     // lines of the table above the first that is seen
  size_t page = 10;      // lines of the table that are seen; the screen says so
};

// Does what a key asks for; unknown keys do nothing.
void Press(Controls& controls, int key);

// The keys and what they do, a line each, for the help.
struct KeyHelp {
  const char* keys;
  const char* meaning;
};
std::span<const KeyHelp> KeysHelp();

}  // namespace uwsgi::top
