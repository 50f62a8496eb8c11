// SPDX-License-Identifier: Apache-2.0
#include "top/vassal_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace uwsgi::top {

namespace {

constexpr size_t kFooterLines = 2;

struct StatusStyle {
  std::string_view status;
  Style style;
};
constexpr StatusStyle kStatusStyles[] = {{"cursed", Style::kAlert},    {"on-demand", Style::kCheap},
                                         {"starting", Style::kSignal}, {"ready", Style::kPlain},
                                         {"accepting", Style::kBusy},  {"loyal", Style::kBusy}};

Style StyleOf(std::string_view status) {
  for (const StatusStyle& row : kStatusStyles) {
    if (row.status == status) return row.style;
  }
  return Style::kPlain;
}

std::string AgeSince(int64_t then, int64_t wall_time) {
  return then == 0 ? "-" : HumanAge(wall_time - then);
}

constexpr std::string_view kVassalFormat = "{:>6} {:<9} {:>7} {:>8} {:>9} {:>6} {:>6} {}";

}  // namespace

VassalTable MakeVassalTable(const Snapshot& snapshot, int64_t wall_time) {
  VassalTable table{.titles = fmt::format(kVassalFormat, "PID", "STATUS", "UP", "RESPAWNS",
                                          "HEARTBEAT", "UID", "GID", "VASSAL")};
  for (const VassalStats& vassal : snapshot.vassals) {
    const std::string_view status = StatusOf(vassal);
    table.lines.push_back(
        {fmt::format(kVassalFormat, vassal.pid, status, AgeSince(vassal.last_run, wall_time),
                     vassal.respawns, AgeSince(vassal.last_heartbeat, wall_time), vassal.uid,
                     vassal.gid, vassal.id),
         StyleOf(status)});
  }
  for (const BlacklistEntry& entry : snapshot.blacklist) {
    table.lines.push_back({fmt::format("blacklisted: {} (attempt {}, waits {} ms)", entry.id,
                                       entry.attempts, entry.throttle_level),
                           Style::kAlert});
  }
  return table;
}

void DrawEmperor(const Snapshot& snapshot, std::string_view node, int64_t wall_time,
                 Controls& controls, Picture& picture) {
  picture.AddLine(fmt::format("uwsgi-{} - {} - emperor: {}{} - vassals: {}", snapshot.version,
                              HumanClock(wall_time), snapshot.monitors,
                              snapshot.is_tyrant ? " (tyrant)" : "", snapshot.vassals.size()),
                  Style::kStrong);
  picture.AddLine(fmt::format("node: {} - cwd: {} - uid: {} - gid: {} - emperorpid: {}", node,
                              snapshot.cwd, snapshot.uid, snapshot.gid, snapshot.pid));
  const VassalTable table = MakeVassalTable(snapshot, wall_time);
  picture.AddLine(table.titles, Style::kTitle);
  picture.FillLine(Style::kTitle);
  const size_t page = picture.room() - std::min(picture.room(), kFooterLines);
  controls.page = std::max<size_t>(page, 1);
  controls.scroll =
      std::min(controls.scroll, table.lines.size() > page ? table.lines.size() - page : 0);
  const size_t last = std::min(table.lines.size(), controls.scroll + page);
  for (size_t i = controls.scroll; i < last; ++i) {
    picture.AddLine(table.lines[i].text, table.lines[i].style);
  }
}

}  // namespace uwsgi::top
