// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "top/controls.h"
#include "top/picture.h"
#include "top/stats_model.h"

namespace uwsgi::top {

// The vassals of an Emperor, a line each, under their titles.
struct VassalTable {
  std::string titles;
  struct Line {
    std::string text;
    Style style;
  };
  std::vector<Line> lines;
};
VassalTable MakeVassalTable(const Snapshot& snapshot, int64_t wall_time);

// Draws an Emperor, but for the footer.
void DrawEmperor(const Snapshot& snapshot, std::string_view node, int64_t wall_time,
                 Controls& controls, Picture& picture);

}  // namespace uwsgi::top
