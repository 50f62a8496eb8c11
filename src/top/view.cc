// SPDX-License-Identifier: Apache-2.0
#include "top/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "top/vassal_table.h"

namespace uwsgi::top {

namespace {

constexpr size_t kTotalCourseWidth = 20;
constexpr size_t kWidthForDate = 100;
constexpr size_t kFooterLines = 2;  // the fields that are left out or the problem, and the keys

void DrawTitle(const View& view, Picture& picture) {
  const Snapshot& now = *view.snapshot;
  const Totals totals = TotalsOf(now);
  // The date would push numbers off a narrow screen.
  const bool narrow = picture.width() < kWidthForDate;
  const std::string when = narrow ? HumanClock(view.wall_time) : HumanDate(view.wall_time);
  picture.AddLine(fmt::format("uwsgi-{} - {} - req: {} - RPS: {} - lq: {} - tx: {}", now.version,
                              when, totals.requests, HumanRate(view.history->total_rps()),
                              now.listen_queue, HumanSize(totals.tx)),
                  Style::kStrong);
  picture.AddLine(fmt::format("node: {} - cwd: {} - uid: {} - gid: {} - masterpid: {}", view.node,
                              now.cwd, now.uid, now.gid, now.pid));
}

// How busy it is, and how that came.
void DrawLoad(const View& view, Picture& picture) {
  const Snapshot& now = *view.snapshot;
  const Totals totals = TotalsOf(now);
  picture.NewLine();
  const bool all_busy = totals.cores > 0 && totals.busy_cores == totals.cores;
  picture.Add(fmt::format("workers: {}/{} busy", totals.busy_workers, now.workers.size()));
  picture.Add(" - ");
  picture.Add(fmt::format("cores: {}/{} busy", totals.busy_cores, totals.cores),
              all_busy ? Style::kAlert : Style::kPlain);
  if (totals.rss > 0) picture.Add(fmt::format(" - rss: {}", HumanSize(totals.rss)));
  picture.Add(" - RPS: ");
  picture.Add(Sparkline(view.history->total_course(), kTotalCourseWidth, picture.charset()),
              Style::kBusy);
}

Style StyleOfQueue(const SocketStats& socket) {
  if (socket.queue == 0) return Style::kPlain;
  return socket.queue_limit > 0 && socket.queue * 2 >= socket.queue_limit ? Style::kAlert
                                                                          : Style::kSignal;
}

// Items of one kind on one line, as many as fit.
template <typename T, typename DrawOne>
void DrawItems(std::string_view label, const std::vector<T>& items, Picture& picture,
               DrawOne draw_one) {
  if (items.empty() || !picture.NewLine()) return;
  picture.Add(label, Style::kFaint);
  std::string_view gap = " ";
  for (const T& item : items) {
    picture.Add(std::exchange(gap, " - "));
    draw_one(item);
  }
}

// What crons and daemons do, on one line: how many of them run, and which crons; a daemon shall run
// always.
void DrawCommands(const Snapshot& now, Picture& picture) {
  if ((now.crons.empty() && now.daemons.empty()) || !picture.NewLine()) return;
  const auto runs = [](const CommandStats& command) { return command.running; };
  std::string_view gap;
  if (!now.daemons.empty()) {
    const auto running = static_cast<size_t>(std::ranges::count_if(now.daemons, runs));
    picture.Add("daemons:", Style::kFaint);
    picture.Add(fmt::format(" {}/{} running", running, now.daemons.size()),
                running < now.daemons.size() ? Style::kAlert : Style::kPlain);
    gap = " - ";
  }
  if (now.crons.empty()) return;
  picture.Add(gap);
  picture.Add("crons:", Style::kFaint);
  const auto running = std::ranges::count_if(now.crons, runs);
  picture.Add(fmt::format(" {}/{} running", running, now.crons.size()));
  std::string_view before = ": ";
  for (const CommandStats& cron : now.crons) {
    if (!cron.running) continue;
    picture.Add(std::exchange(before, ", "));
    picture.Add(cron.command, Style::kBusy);
  }
}

std::string HitsOf(const CacheStats& cache) {
  const int64_t asked = cache.hits + cache.misses;
  if (asked == 0) return "no lookups";
  return fmt::format("hits {:.1f}% of {}",
                     100 * static_cast<double>(cache.hits) / static_cast<double>(asked), asked);
}

void DrawSurroundings(const Snapshot& now, Picture& picture) {
  DrawItems("queues:", now.sockets, picture, [&](const SocketStats& socket) {
    picture.Add(fmt::format("{} {}/{}", socket.name, socket.queue, socket.queue_limit),
                StyleOfQueue(socket));
  });
  DrawItems("spoolers:", now.spoolers, picture, [&](const SpoolerStats& spooler) {
    const std::string tasks =
        spooler.waiting < 0 ? fmt::format("{} tasks", spooler.tasks)
                            : fmt::format("{} waiting, {} done", spooler.waiting, spooler.tasks);
    picture.Add(fmt::format("{} {}{}", spooler.folder, tasks, spooler.running ? ", running" : ""),
                spooler.running ? Style::kBusy : Style::kPlain);
  });
  DrawItems("caches:", now.caches, picture, [&](const CacheStats& cache) {
    picture.Add(fmt::format("{} {}/{} items, {}{}", cache.name, cache.items, cache.items_limit,
                            HitsOf(cache), cache.full > 0 ? ", FULL" : ""),
                cache.full > 0 ? Style::kAlert : Style::kPlain);
  });
  DrawCommands(now, picture);
}

std::vector<Row> RowsOf(const View& view, const Controls& controls) {
  auto groups = MakeRowGroups(*view.snapshot, *view.history);
  SortGroups(groups, controls.sort_column, controls.descending);
  auto rows = Flatten(std::move(groups), controls.cores);
  if (controls.cores == CoreMode::kMerged) {
    SortRows(rows, controls.sort_column, controls.descending);
  }
  return rows;
}

void DrawTable(const std::vector<Row>& rows, const Layout& layout, Controls& controls, size_t page,
               Picture& picture) {
  picture.AddLine(TitleLine(layout), Style::kTitle);
  picture.FillLine(Style::kTitle);
  controls.page = std::max<size_t>(page, 1);
  controls.scroll = std::min(controls.scroll, rows.size() > page ? rows.size() - page : 0);
  const size_t last = std::min(rows.size(), controls.scroll + page);
  for (size_t i = controls.scroll; i < last; ++i) {
    picture.AddLine(RowLine(rows[i], layout, picture.charset()), StyleOfStatus(rows[i].status));
  }
}

std::string RunningLine(const Row& core, int64_t wall_time) {
  const std::string age = core.request_start > 0 ? HumanAge(wall_time - core.request_start) : "-";
  return fmt::format("{:>7} {:>7} {} {}", fmt::format("{}:{}", core.worker, core.core), age,
                     core.request, core.client.empty() ? "" : fmt::format("({})", core.client));
}

// The requests that run now, the oldest first, in the lines that are left.
void DrawRunning(const View& view, size_t lines, Picture& picture) {
  std::vector<Row> running;
  for (RowGroup& group : MakeRowGroups(*view.snapshot, *view.history)) {
    for (Row& core : group.cores) {
      if (!core.request.empty()) running.push_back(std::move(core));
    }
  }
  if (running.empty() || lines < 3) return;
  SortRows(running, ColumnNamed("REQUEST"), true);
  picture.NewLine();
  picture.AddLine(fmt::format("{:>7} {:>7} running now: {}", "W:CORE", "SINCE", running.size()),
                  Style::kFaint);
  for (size_t i = 0; i < running.size() && i < lines - 2; ++i) {
    picture.AddLine(RunningLine(running[i], view.wall_time));
  }
}

std::string LeftOutLine(const Layout& layout) {
  if (layout.left_out.empty()) return {};
  std::string line = "no room for:";
  for (const size_t column : layout.left_out) line += fmt::format(" {}", Columns()[column].title);
  return line;
}

void DrawFooter(const View& view, const Controls& controls, std::string_view note,
                Picture& picture) {
  picture.LeaveAtBottom(kFooterLines);
  if (!view.problem.empty()) {
    picture.AddLine(view.problem, Style::kAlert);
  } else if (controls.paused) {
    picture.AddLine("paused (p goes on)", Style::kSignal);
  } else {
    picture.AddLine(note, Style::kFaint);
  }
  picture.AddLine(
      fmt::format("q quit  a cores  f {}  s sort:{}{}  r reverse  F fields  h help",
                  controls.fast ? "slow" : "fast", Columns()[controls.sort_column].title,
                  controls.descending ? "-" : "+"),
      Style::kFaint);
}

void DrawServer(const View& view, Controls& controls, Picture& picture) {
  DrawTitle(view, picture);
  DrawLoad(view, picture);
  DrawSurroundings(*view.snapshot, picture);
  const auto rows = RowsOf(view, controls);
  const Layout layout = PlaceColumns(controls.columns, rows, picture.width(), picture.charset());
  const size_t room = picture.room() - std::min(picture.room(), kFooterLines + 1);
  // Many workers leave up to a third of the room to the requests that run.
  const auto busy = static_cast<size_t>(TotalsOf(*view.snapshot).busy_cores);
  const size_t running = busy > 0 ? std::min(busy + 2, room / 3) : 0;
  const size_t page = room - running;
  const size_t shown = std::min(page, rows.size());
  DrawTable(rows, layout, controls, page, picture);
  DrawRunning(view, room - shown, picture);
  DrawFooter(view, controls, LeftOutLine(layout), picture);
}

void DrawHelp(Picture& picture) {
  picture.AddLine("Keys", Style::kStrong);
  for (const KeyHelp& row : KeysHelp()) {
    picture.AddLine(fmt::format("  {:<24} {}", row.keys, row.meaning));
  }
  picture.NewLine();
  constexpr std::pair<std::string_view, Style> kColours[] = {{"busy", Style::kBusy},
                                                             {"cheap", Style::kCheap},
                                                             {"signal", Style::kSignal},
                                                             {"pause", Style::kPause},
                                                             {"alert", Style::kAlert}};
  picture.AddLine("Colours:", Style::kStrong);
  for (const auto& [name, style] : kColours) {
    picture.Add(" ");
    picture.Add(name, style);
  }
  picture.LeaveAtBottom(1);
  picture.AddLine("any key goes back", Style::kFaint);
}

void DrawFields(const Controls& controls, Picture& picture) {
  picture.AddLine("Fields: up and down, space shows or hides, s sorts by it, F goes back",
                  Style::kStrong);
  const size_t page = std::max<size_t>(picture.room(), 1);
  const size_t first = controls.menu_line >= page ? controls.menu_line - page + 1 : 0;
  for (size_t i = first; i < kColumnCount && picture.room() > 0; ++i) {
    const Column& column = Columns()[i];
    picture.AddLine(fmt::format(" [{}] {:<9} {}{}", controls.columns[i] ? 'x' : ' ', column.title,
                                column.meaning, i == controls.sort_column ? " (sorted by)" : ""),
                    i == controls.menu_line ? Style::kChosen : Style::kPlain);
  }
}

void DrawWaiting(const View& view, const Controls& controls, Picture& picture) {
  picture.AddLine(fmt::format("uwsgitop - {}", view.address), Style::kStrong);
  picture.NewLine();
  picture.AddLine(view.problem.empty() ? "asking the server ..." : "no answer from the server yet");
  DrawFooter(view, controls, {}, picture);
}

}  // namespace

Style StyleOfStatus(std::string_view status) {
  // compat: the colours of the well-known monitor
  constexpr std::pair<std::string_view, Style> kStyles[] = {
      {"busy", Style::kBusy}, {"cheap", Style::kCheap}, {"pause", Style::kPause}};
  for (const auto& [name, style] : kStyles) {
    if (status == name) return style;
  }
  return StartsWith(status, "sig") ? Style::kSignal : Style::kPlain;
}

void Draw(const View& view, Controls& controls, Picture& picture) {
  if (controls.panel == Controls::Panel::kHelp) return DrawHelp(picture);
  if (controls.panel == Controls::Panel::kFields) return DrawFields(controls, picture);
  if (view.snapshot == nullptr) return DrawWaiting(view, controls, picture);
  if (view.snapshot->is_emperor) {
    DrawEmperor(*view.snapshot, view.node, view.wall_time, controls, picture);
    return DrawFooter(view, controls, {}, picture);
  }
  DrawServer(view, controls, picture);
}

}  // namespace uwsgi::top
