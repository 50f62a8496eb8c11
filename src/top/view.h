// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "top/controls.h"
#include "top/history.h"
#include "top/picture.h"
#include "top/stats_model.h"

namespace uwsgi::top {

// All that a picture is made from.
struct View {
  const Snapshot* snapshot = nullptr;  // null: the server has not answered yet
  const History* history = nullptr;
  std::string address;
  std::string node;       // the name of this machine
  std::string problem;    // why there is no newer snapshot; empty: all is well
  int64_t wall_time = 0;  // epoch seconds, now
};

// Draws the whole screen. Brings `controls.scroll` into the range of what there is, and tells it
// how long a page is.
void Draw(const View& view, Controls& controls, Picture& picture);

// The style of a worker with that status.
Style StyleOfStatus(std::string_view status);

}  // namespace uwsgi::top
