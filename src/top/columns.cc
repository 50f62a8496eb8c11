// SPDX-License-Identifier: Apache-2.0
#include "top/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace uwsgi::top {

namespace {

constexpr size_t kCourseWidth = 8;
constexpr size_t kRequestColumn = kColumnCount - 1;

template <auto member>
std::string Count(const Row& row, Charset) {
  return fmt::format("{}", row.*member);
}
template <auto member>
std::string Size(const Row& row, Charset) {
  return HumanSize(row.*member);
}
template <auto member>
std::string Text(const Row& row, Charset) {
  return row.*member;
}
template <auto member>
double Value(const Row& row) {
  return static_cast<double>(row.*member);
}

std::string ShareText(const Row& row, Charset) { return fmt::format("{:.1f}", row.share); }
std::string RateText(const Row& row, Charset) { return HumanRate(row.rps); }
std::string AverageText(const Row& row, Charset) {
  return fmt::format("{}ms", row.average_time / 1000);
}
std::string RunTimeText(const Row& row, Charset) { return HumanRunTime(row.running_time); }
std::string SpawnText(const Row& row, Charset) { return HumanClock(row.last_spawn); }
std::string CourseText(const Row& row, Charset charset) {
  return Sparkline(row.course, kCourseWidth, charset);
}
double IdKey(const Row& row) {
  return static_cast<double>(row.worker) * 65536 + static_cast<double>(row.core);
}
// The longest first when sorted downwards, those without a request last.
double RequestKey(const Row& row) {
  return row.request.empty() ? -1e18 : -static_cast<double>(row.request_start);
}

// clang-format off
constexpr Column kColumns[kColumnCount] = {
    // title     meaning                          least left   cores rank start  text                         key
    {"WID",      "number of the worker",              3, true,  true,  0, true,  Text<&Row::wid>,             IdKey},
    {"%",        "share of all requests",             5, false, true, 11, true,  ShareText,                   Value<&Row::share>},
    {"PID",      "process",                           5, false, false, 1, true,  Count<&Row::pid>,            Value<&Row::pid>},
    {"REQ",      "requests served",                   5, false, true,  3, true,  Count<&Row::requests>,       Value<&Row::requests>},
    {"RPS",      "requests per second, now",          4, false, true,  4, true,  RateText,                    Value<&Row::rps>},
    {"EXC",      "exceptions of the application",     3, false, false, 8, true,  Count<&Row::exceptions>,     Value<&Row::exceptions>},
    {"SIG",      "signals handled",                   3, false, false, 16, true, Count<&Row::signals>,        Value<&Row::signals>},
    {"STATUS",   "idle, busy, cheap, pause, sigN",    6, true,  true,  2, true,  Text<&Row::status>,          nullptr},
    {"AVG",      "average time of a request",         4, false, false, 5, true,  AverageText,                 Value<&Row::average_time>},
    {"RSS",      "memory in use",                     5, false, false, 6, true,  Size<&Row::rss>,             Value<&Row::rss>},
    {"VSZ",      "address space",                     6, false, false, 15, true, Size<&Row::vsz>,             Value<&Row::vsz>},
    {"TX",       "bytes sent",                        5, false, false, 9, true,  Size<&Row::tx>,              Value<&Row::tx>},
    {"ReSpwn",   "times started",                     6, false, false, 10, true,  Count<&Row::respawns>,       Value<&Row::respawns>},
    {"HC",       "times killed by harakiri",          2, false, false, 12, true, Count<&Row::harakiris>,      Value<&Row::harakiris>},
    {"RunT",     "time spent in requests, ms",        6, false, false, 13, true, RunTimeText,                 Value<&Row::running_time>},
    {"LastSpwn", "started at",                        8, false, false, 14, true, SpawnText,                   Value<&Row::last_spawn>},
    {"RPS/min",  "requests per second, last seconds", kCourseWidth, true, false, 7, true, CourseText,        Value<&Row::rps>},
    {"REQUEST",  "the request served now",            12, true, true, 17, true,  Text<&Row::request>,         RequestKey},
};
// clang-format on

// compat: a worker's numbers are not repeated for its cores.
std::string CellText(const Row& row, const Column& column, Charset charset) {
  if (row.is_core && !column.of_cores) return {};
  return column.text(row, charset);
}

size_t WidthFor(size_t number, std::span<const Row> rows, Charset charset) {
  const Column& column = kColumns[number];
  size_t width = std::max(column.least_width, column.title.size());
  // The request would push everything else out; it gets what is left.
  if (number == kRequestColumn) return width;
  for (const Row& row : rows) {
    width = std::max(width, WidthOf(Clip(CellText(row, column, charset), 24, charset)));
  }
  return width;
}

std::string Pad(std::string_view text, size_t width, bool on_left) {
  const size_t used = WidthOf(text);
  const std::string blanks(used < width ? width - used : 0, ' ');
  return on_left ? fmt::format("{}{}", text, blanks) : fmt::format("{}{}", blanks, text);
}

template <typename CellOf>
std::string JoinCells(const Layout& layout, CellOf cell_of) {
  std::string line;
  for (const Layout::Place& place : layout.places) {
    if (!line.empty()) line += ' ';
    line += Pad(cell_of(place), place.width, kColumns[place.column].on_left);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

// Whether `a` stands before `b`.
bool ComesBefore(const Row& a, const Row& b, const Column& column, bool descending) {
  int order = 0;
  if (column.key != nullptr) {
    const double left = column.key(a), right = column.key(b);
    order = left < right ? -1 : left > right ? 1 : 0;
  } else {
    order = column.text(a, Charset::kUtf8).compare(column.text(b, Charset::kUtf8));
  }
  if (order != 0) return descending ? order > 0 : order < 0;
  return IdKey(a) < IdKey(b);
}

}  // namespace

std::span<const Column, kColumnCount> Columns() { return kColumns; }

size_t ColumnNamed(std::string_view title) {
  const auto* found = std::find_if(std::begin(kColumns), std::end(kColumns),
                                   [&](const Column& column) { return column.title == title; });
  return static_cast<size_t>(found - std::begin(kColumns));
}

ColumnSet ColumnsAtStart() {
  ColumnSet chosen{};
  for (size_t i = 0; i < kColumnCount; ++i) chosen[i] = kColumns[i].at_start;
  return chosen;
}

Layout PlaceColumns(const ColumnSet& chosen, std::span<const Row> rows, size_t width,
                    Charset charset) {
  std::array<size_t, kColumnCount> by_rank;
  std::iota(by_rank.begin(), by_rank.end(), size_t{0});
  std::sort(by_rank.begin(), by_rank.end(),
            [](size_t a, size_t b) { return kColumns[a].rank < kColumns[b].rank; });
  Layout layout;
  size_t used = 0;
  for (const size_t column : by_rank) {
    if (!chosen[column]) continue;
    const size_t needed = WidthFor(column, rows, charset) + (layout.places.empty() ? 0 : 1);
    if (used + needed > width) {
      layout.left_out.push_back(column);
      continue;
    }
    layout.places.push_back({column, needed - (layout.places.empty() ? 0 : 1)});
    used += needed;
  }
  std::sort(layout.places.begin(), layout.places.end(),
            [](const auto& a, const auto& b) { return a.column < b.column; });
  if (!layout.places.empty() && layout.places.back().column == kRequestColumn) {
    layout.places.back().width += width - used;
  }
  return layout;
}

void SortGroups(std::vector<RowGroup>& groups, size_t column, bool descending) {
  std::stable_sort(groups.begin(), groups.end(), [&](const RowGroup& a, const RowGroup& b) {
    return ComesBefore(a.worker, b.worker, kColumns[column], descending);
  });
}

void SortRows(std::vector<Row>& rows, size_t column, bool descending) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return ComesBefore(a, b, kColumns[column], descending);
  });
}

std::string TitleLine(const Layout& layout) {
  return JoinCells(
      layout, [](const Layout::Place& place) { return std::string(kColumns[place.column].title); });
}

std::string RowLine(const Row& row, const Layout& layout, Charset charset) {
  return JoinCells(layout, [&](const Layout::Place& place) {
    return Clip(CellText(row, kColumns[place.column], charset), place.width, charset);
  });
}

}  // namespace uwsgi::top
