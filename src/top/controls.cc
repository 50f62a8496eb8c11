// SPDX-License-Identifier: Apache-2.0
#include "top/controls.h"

#include <algorithm>

namespace uwsgi::top {

namespace {

using Panel = Controls::Panel;

constexpr int kEscape = 27;

void NextCoreMode(Controls& controls) {
  controls.cores = static_cast<CoreMode>((static_cast<int>(controls.cores) + 1) % 3);
  controls.scroll = 0;
}

// The next column that is chosen, in either direction; the same when no other is.
void SortByNext(Controls& controls, size_t step) {
  size_t column = controls.sort_column;
  do {
    column = (column + step) % kColumnCount;
  } while (!controls.columns[column] && column != controls.sort_column);
  controls.sort_column = column;
  controls.scroll = 0;
}

void Toggle(Controls& controls, Panel panel) {
  controls.panel = controls.panel == panel ? Panel::kNone : panel;
}

void ScrollUp(Controls& controls, size_t lines) {
  controls.scroll -= std::min(lines, controls.scroll);
}

struct KeyRow {
  int key;
  void (*action)(Controls&);
};

constexpr KeyRow kKeys[] = {
    {'q', [](Controls& controls) { controls.quit = true; }},
    {'Q', [](Controls& controls) { controls.quit = true; }},
    {'a', NextCoreMode},
    {'f', [](Controls& controls) { controls.fast = !controls.fast; }},
    {'p', [](Controls& controls) { controls.paused = !controls.paused; }},
    {'r', [](Controls& controls) { controls.descending = !controls.descending; }},
    {'s', [](Controls& controls) { SortByNext(controls, 1); }},
    {'>', [](Controls& controls) { SortByNext(controls, 1); }},
    {'S', [](Controls& controls) { SortByNext(controls, kColumnCount - 1); }},
    {'<', [](Controls& controls) { SortByNext(controls, kColumnCount - 1); }},
    {'F', [](Controls& controls) { Toggle(controls, Panel::kFields); }},
    {'h', [](Controls& controls) { Toggle(controls, Panel::kHelp); }},
    {'?', [](Controls& controls) { Toggle(controls, Panel::kHelp); }},
    {kKeyUp, [](Controls& controls) { ScrollUp(controls, 1); }},
    {kKeyDown, [](Controls& controls) { controls.scroll += 1; }},
    {kKeyPageUp, [](Controls& controls) { ScrollUp(controls, controls.page); }},
    {kKeyPageDown, [](Controls& controls) { controls.scroll += controls.page; }},
    {kKeyHome, [](Controls& controls) { controls.scroll = 0; }},
};

// Of the menu of fields, before the rows above.
constexpr KeyRow kMenuKeys[] = {
    {kKeyUp, [](Controls& controls) { controls.menu_line -= controls.menu_line > 0 ? 1 : 0; }},
    {kKeyDown,
     [](Controls& controls) {
       controls.menu_line = std::min(controls.menu_line + 1, kColumnCount - 1);
     }},
    {' ',
     [](Controls& controls) {
       bool& chosen = controls.columns[controls.menu_line];
       chosen = !chosen;
     }},
    {'s', [](Controls& controls) { controls.sort_column = controls.menu_line; }},
    {'\n', [](Controls& controls) { controls.panel = Panel::kNone; }},
    {'\r', [](Controls& controls) { controls.panel = Panel::kNone; }},
    {kEscape, [](Controls& controls) { controls.panel = Panel::kNone; }},
};

bool Find(std::span<const KeyRow> rows, Controls& controls, int key) {
  for (const KeyRow& row : rows) {
    if (row.key != key) continue;
    row.action(controls);
    return true;
  }
  return false;
}

constexpr KeyHelp kHelp[] = {
    {"q", "quit"},
    {"a", "workers, workers with cores, cores alone"},
    {"f", "ask ten times a second; again: as before"},
    {"s > / S <", "sort by the next / the previous column"},
    {"r", "reverse the order"},
    {"F", "choose fields: up, down, space; s sorts by it"},
    {"p", "pause: keep what is shown"},
    {"up down pgup pgdn home", "scroll"},
    {"h ?", "this help"},
};

}  // namespace

void Press(Controls& controls, int key) {
  if (controls.panel == Panel::kFields && Find(kMenuKeys, controls, key)) return;
  if (controls.panel == Panel::kHelp && key != 'q' && key != 'Q' && key != kKeyResize) {
    controls.panel = Panel::kNone;  // any key leaves the help
    return;
  }
  Find(kKeys, controls, key);
}

std::span<const KeyHelp> KeysHelp() { return kHelp; }

}  // namespace uwsgi::top
