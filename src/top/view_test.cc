// SPDX-License-Identifier: Apache-2.0
#include "top/view.h"

#include <gtest/gtest.h>

namespace uwsgi::top {
namespace {

Snapshot SomeServer(int64_t workers) {
  Snapshot snapshot{.version = "2.0.31-next", .cwd = "/srv", .pid = 7, .listen_queue = 60};
  snapshot.sockets = {
      {.name = "127.0.0.1:80", .protocol = "http", .queue = 60, .queue_limit = 100}};
  snapshot.spoolers = {{.folder = "/sp", .pid = 9, .tasks = 12, .running = true}};
  snapshot.crons = {{.command = "idle"}, {.command = "sleep 9", .running = true}};
  snapshot.daemons = {{.command = "up", .running = true}, {.command = "down"}};
  snapshot.caches = {{.name = "c", .items = 4, .items_limit = 10, .hits = 3, .misses = 1}};
  for (int64_t id = 1; id <= workers; ++id) {
    WorkerStats worker{.id = id, .pid = 100 + id, .requests = id, .status = "busy"};
    worker.cores = {{.id = 0, .requests = id, .in_request = true}};
    worker.cores[0].running = {
        .method = "GET", .uri = "/slow", .client = "127.0.0.1", .start = 1000 - id};
    snapshot.workers.push_back(worker);
  }
  return snapshot;
}

struct Shown {
  Shown(const Snapshot& now, size_t width, size_t height, Controls chosen = {},
        std::string problem = "")
      : picture(width, height, Charset::kAscii), controls(std::move(chosen)) {
    history.Add(now, 1);
    Draw({.snapshot = &now,
          .history = &history,
          .address = "127.0.0.1:9091",
          .node = "node",
          .problem = std::move(problem),
          .wall_time = 1010},
         controls, picture);
    text = picture.text();
  }
  [[nodiscard]] bool Has(std::string_view what) const {
    return text.find(what) != std::string::npos;
  }
  History history;
  Picture picture;
  Controls controls;
  std::string text;
};

TEST(View, TellsWhatWaitsForASpoolerWhenTheServerDoes) {
  Snapshot snapshot = SomeServer(1);
  snapshot.spoolers[0].waiting = 3;
  EXPECT_TRUE(Shown(snapshot, 80, 24).Has("/sp 3 waiting, 12 done, running"));
}

TEST(View, ShowsWorkersQueuesSpoolersCachesAndRequests) {
  const Shown shown(SomeServer(2), 80, 24);
  EXPECT_TRUE(shown.Has("uwsgi-2.0.31-next - ")) << shown.text;
  EXPECT_TRUE(shown.Has("req: 3 - RPS: 0 - lq: 60 - tx: 0"));
  EXPECT_TRUE(shown.Has("node: node - cwd: /srv - uid: 0 - gid: 0 - masterpid: 7"));
  EXPECT_TRUE(shown.Has("workers: 2/2 busy - cores: 2/2 busy"));
  EXPECT_TRUE(shown.Has("127.0.0.1:80 60/100"));
  EXPECT_TRUE(shown.Has("/sp 12 tasks, running"));
  EXPECT_TRUE(shown.Has("daemons: 1/2 running - crons: 1/2 running: sleep 9"));
  EXPECT_TRUE(shown.Has("c 4/10 items, hits 75.0% of 4"));
  EXPECT_TRUE(shown.Has("\n2    66.7   102"));
  EXPECT_TRUE(shown.Has("    2:0     12s GET /slow (127.0.0.1)"));
  EXPECT_TRUE(shown.Has("no room for:"));
}

TEST(View, NeverDrawsBeyondTheEdges) {
  for (const auto panel :
       {Controls::Panel::kNone, Controls::Panel::kHelp, Controls::Panel::kFields}) {
    for (size_t width = 1; width < 130; width += 7) {
      for (size_t height = 1; height < 40; height += 3) {
        const Shown shown(SomeServer(30), width, height, {.panel = panel});
        EXPECT_LE(shown.picture.lines().size(), height);
        for (const Line& line : shown.picture.lines()) {
          size_t used = 0;
          for (const Span& span : line) used += WidthOf(span.text);
          EXPECT_LE(used, width);
        }
      }
    }
  }
}

TEST(View, ScrollsToTheLastWorkerAndNotBeyond) {
  const Shown top(SomeServer(50), 80, 24);
  EXPECT_TRUE(top.Has("\n50 "));
  EXPECT_FALSE(top.Has("\n1 "));
  const Shown bottom(SomeServer(50), 80, 24, {.scroll = 9999});
  EXPECT_TRUE(bottom.Has("\n1 ")) << bottom.text;
  EXPECT_EQ(bottom.controls.scroll, 50 - bottom.controls.page);
}

TEST(View, KeepsTheLastFiguresBesideTheProblem) {
  const Shown shown(SomeServer(1), 80, 24, {}, "127.0.0.1:9091: connect: Connection refused");
  EXPECT_TRUE(shown.Has("connect: Connection refused"));
  EXPECT_TRUE(shown.Has("masterpid: 7"));
}

TEST(View, SaysThatItWaitsForAFirstAnswer) {
  Picture picture(80, 24, Charset::kAscii);
  Controls controls;
  Draw({.address = "@stats", .problem = "@stats: connect: Connection refused"}, controls, picture);
  EXPECT_NE(picture.text().find("no answer from the server yet"), std::string::npos);
  EXPECT_NE(picture.text().find("@stats: connect: Connection refused"), std::string::npos);
}

TEST(View, ShowsVassalsOfAnEmperor) {
  Snapshot emperor{.version = "2", .pid = 5, .is_emperor = true, .monitors = "/etc/vassals"};
  emperor.vassals = {{.id = "a.ini", .pid = 6, .last_run = 1000, .ready = true, .accepting = true},
                     {.id = "b.ini", .cursed = true}};
  emperor.blacklist = {{.id = "b.ini", .throttle_level = 2000, .attempts = 2}};
  const Shown shown(emperor, 80, 24);
  EXPECT_TRUE(shown.Has("emperor: /etc/vassals - vassals: 2")) << shown.text;
  EXPECT_TRUE(shown.Has("     6 accepting     10s"));
  EXPECT_TRUE(shown.Has("cursed"));
  EXPECT_TRUE(shown.Has("blacklisted: b.ini (attempt 2, waits 2000 ms)"));
}

TEST(View, ColoursByStatus) {
  EXPECT_EQ(StyleOfStatus("busy"), Style::kBusy);
  EXPECT_EQ(StyleOfStatus("cheap"), Style::kCheap);
  EXPECT_EQ(StyleOfStatus("sig17"), Style::kSignal);
  EXPECT_EQ(StyleOfStatus("pause"), Style::kPause);
  EXPECT_EQ(StyleOfStatus("idle"), Style::kPlain);
}

}  // namespace
}  // namespace uwsgi::top
