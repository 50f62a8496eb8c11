// SPDX-License-Identifier: Apache-2.0
#include "top/controls.h"

#include <gtest/gtest.h>

namespace uwsgi::top {
namespace {

using Panel = Controls::Panel;

TEST(Controls, CycleThroughTheModesOfCores) {
  Controls controls;
  Press(controls, 'a');
  EXPECT_EQ(controls.cores, CoreMode::kBelowWorkers);
  Press(controls, 'a');
  EXPECT_EQ(controls.cores, CoreMode::kMerged);
  Press(controls, 'a');
  EXPECT_EQ(controls.cores, CoreMode::kWorkers);
}

TEST(Controls, SortBySkipsFieldsThatAreHidden) {
  Controls controls;
  controls.columns[ColumnNamed("RPS")] = false;
  Press(controls, 's');
  EXPECT_EQ(controls.sort_column, ColumnNamed("EXC"));
  Press(controls, 'S');
  EXPECT_EQ(controls.sort_column, ColumnNamed("REQ"));
  controls.columns.fill(false);
  Press(controls, 's');
  EXPECT_EQ(controls.sort_column, ColumnNamed("REQ"));
}

TEST(Controls, TheMenuOfFieldsTakesItsKeysAndGivesThemBack) {
  Controls controls;
  Press(controls, 'F');
  EXPECT_EQ(controls.panel, Panel::kFields);
  Press(controls, kKeyUp);
  Press(controls, kKeyDown);
  Press(controls, ' ');
  EXPECT_FALSE(controls.columns[1]);
  Press(controls, 's');
  EXPECT_EQ(controls.sort_column, 1U);
  for (int i = 0; i < 100; ++i) Press(controls, kKeyDown);
  EXPECT_EQ(controls.menu_line, kColumnCount - 1);
  Press(controls, 27);
  EXPECT_EQ(controls.panel, Panel::kNone);
  Press(controls, kKeyDown);
  EXPECT_EQ(controls.scroll, 1U);
}

TEST(Controls, AnyKeyLeavesTheHelp) {
  Controls controls;
  Press(controls, 'h');
  EXPECT_EQ(controls.panel, Panel::kHelp);
  Press(controls, 'a');
  EXPECT_EQ(controls.panel, Panel::kNone);
  EXPECT_EQ(controls.cores, CoreMode::kWorkers);
}

TEST(Controls, ScrollingStopsAtTheTop) {
  Controls controls;
  controls.page = 7;
  Press(controls, kKeyPageDown);
  Press(controls, kKeyUp);
  EXPECT_EQ(controls.scroll, 6U);
  Press(controls, kKeyPageUp);
  EXPECT_EQ(controls.scroll, 0U);
}

TEST(Controls, UnknownKeysDoNothing) {
  Controls controls;
  for (int key = -5; key < 400; ++key) {
    if (std::string_view("qQafprs>S<Fh?").find(static_cast<char>(key)) == std::string_view::npos) {
      Press(controls, key);
    }
  }
  EXPECT_FALSE(controls.quit);
  EXPECT_EQ(controls.panel, Panel::kNone);
}

}  // namespace
}  // namespace uwsgi::top
