// SPDX-License-Identifier: Apache-2.0
#include "top/columns.h"

#include <gtest/gtest.h>

namespace uwsgi::top {
namespace {

Row Worker(int64_t id, int64_t requests, std::string status = "idle") {
  return {.wid = std::to_string(id),
          .worker = id,
          .pid = 1000 + id,
          .requests = requests,
          .rss = 2 << 20,
          .status = std::move(status)};
}

std::string Order(const std::vector<RowGroup>& groups) {
  std::string order;
  for (const RowGroup& group : groups) order += group.worker.wid;
  return order;
}

bool Has(const Layout& layout, std::string_view title) {
  for (const auto& place : layout.places) {
    if (Columns()[place.column].title == title) return true;
  }
  return false;
}

TEST(Columns, EachTitleAndEachRankIsOfOneColumn) {
  for (size_t i = 0; i < kColumnCount; ++i) {
    EXPECT_EQ(ColumnNamed(Columns()[i].title), i);
    for (size_t j = 0; j < i; ++j) EXPECT_NE(Columns()[i].rank, Columns()[j].rank);
  }
}

TEST(Columns, SortByNumberByTextAndBack) {
  std::vector<RowGroup> groups = {
      {Worker(1, 5, "idle"), {}}, {Worker(2, 10, "busy"), {}}, {Worker(3, 9, "cheap"), {}}};
  SortGroups(groups, ColumnNamed("REQ"), true);
  EXPECT_EQ(Order(groups), "231");
  SortGroups(groups, ColumnNamed("REQ"), false);
  EXPECT_EQ(Order(groups), "132");
  SortGroups(groups, ColumnNamed("STATUS"), false);
  EXPECT_EQ(Order(groups), "231");
}

TEST(Columns, EqualOnesStandInTheOrderOfTheirNumbers) {
  std::vector<RowGroup> groups = {{Worker(10, 5), {}}, {Worker(2, 5), {}}, {Worker(1, 5), {}}};
  SortGroups(groups, ColumnNamed("REQ"), true);
  EXPECT_EQ(Order(groups), "1210");
}

TEST(Columns, LeaveOutTheLeastImportantWhereTheLineIsShort) {
  const std::vector<Row> rows = {Worker(1, 5)};
  const Layout wide = PlaceColumns(ColumnsAtStart(), rows, 120, Charset::kAscii);
  EXPECT_TRUE(wide.left_out.empty());
  EXPECT_TRUE(Has(wide, "REQUEST"));
  const Layout narrow = PlaceColumns(ColumnsAtStart(), rows, 80, Charset::kAscii);
  EXPECT_FALSE(narrow.left_out.empty());
  EXPECT_TRUE(Has(narrow, "RPS/min"));
  EXPECT_FALSE(Has(narrow, "REQUEST"));
  for (size_t width = 0; width < 130; ++width) {
    const Layout layout = PlaceColumns(ColumnsAtStart(), rows, width, Charset::kAscii);
    EXPECT_LE(TitleLine(layout).size(), width);
    EXPECT_LE(RowLine(rows[0], layout, Charset::kAscii).size(), width);
  }
}

TEST(Columns, StandUnderTheirTitlesWhateverTheirSize) {
  std::vector<Row> rows = {Worker(1, 5), Worker(2, 123456789)};
  rows[0].request = "GET /" + std::string(500, 'x');
  const Layout layout = PlaceColumns(ColumnsAtStart(), rows, 140, Charset::kAscii);
  const std::string titles = TitleLine(layout);
  const size_t end = titles.find("REQ ") + 3;
  EXPECT_EQ(RowLine(rows[0], layout, Charset::kAscii).find(" 5 ") + 2, end);
  EXPECT_EQ(RowLine(rows[1], layout, Charset::kAscii).find("123456789") + 9, end);
  EXPECT_LE(RowLine(rows[0], layout, Charset::kAscii).size(), 140U);
}

TEST(Columns, CoresShowOnlyWhatIsCountedForThem) {
  Row core = Worker(1, 5);
  core.is_core = true;
  core.rss = 3 << 20;
  const std::vector<Row> rows = {core};
  const Layout layout = PlaceColumns(ColumnsAtStart(), rows, 200, Charset::kAscii);
  EXPECT_EQ(RowLine(core, layout, Charset::kAscii).find("3.0M"), std::string::npos);
}

TEST(Rows, ComeAsWorkersWithCoresOrAsCores) {
  Snapshot snapshot;
  WorkerStats with_cores{.id = 1, .requests = 4};
  with_cores.cores = {{.id = 0, .requests = 1}, {.id = 1, .requests = 3, .in_request = true}};
  with_cores.cores[1].running = {.method = "GET", .uri = "/a", .start = 50};
  snapshot.workers = {with_cores, {.id = 2}};
  const History history;
  const auto groups = MakeRowGroups(snapshot, history);
  EXPECT_EQ(groups[0].worker.request, "GET /a");
  EXPECT_DOUBLE_EQ(groups[0].cores[1].share, 75);
  EXPECT_EQ(Flatten(groups, CoreMode::kWorkers).size(), 2U);
  const auto below = Flatten(groups, CoreMode::kBelowWorkers);
  ASSERT_EQ(below.size(), 4U);
  EXPECT_EQ(below[1].wid, " :0");
  const auto merged = Flatten(groups, CoreMode::kMerged);
  ASSERT_EQ(merged.size(), 3U);
  EXPECT_EQ(merged[1].wid, "1:1");
  EXPECT_EQ(merged[2].wid, "2");
}

TEST(Rows, AWorkerShowsItsOldestRequest) {
  Snapshot snapshot;
  WorkerStats worker{.id = 1};
  for (const int64_t start : {70, 50, 60}) {
    worker.cores.push_back({.in_request = true});
    worker.cores.back().running = {.uri = fmt::format("/{}", start), .start = start};
  }
  snapshot.workers = {worker};
  EXPECT_EQ(MakeRowGroups(snapshot, History())[0].worker.request, " /50");
}

}  // namespace
}  // namespace uwsgi::top
