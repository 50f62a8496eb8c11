// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "top/format.h"
#include "top/rows.h"

namespace uwsgi::top {

// A column of the table of workers. The last one, the request, takes what is left of the line.
struct Column {
  std::string_view title;
  std::string_view meaning;  // for the menu of fields and the help
  size_t least_width;
  bool on_left;   // text; numbers stand on the right
  bool of_cores;  // cores have such a number of their own
  int rank;       // where the line is too short, columns of high rank are left out first
  bool at_start;  // shown until the operator chooses
  std::string (*text)(const Row&, Charset);
  // What is sorted by, as one number; null: by text.
  double (*key)(const Row&);
};

inline constexpr size_t kColumnCount = 18;
using ColumnSet = std::array<bool, kColumnCount>;

std::span<const Column, kColumnCount> Columns();
// The number of the column with that title; there is one.
size_t ColumnNamed(std::string_view title);
ColumnSet ColumnsAtStart();

// Which columns fit into `width`, and how wide they are.
struct Layout {
  struct Place {
    size_t column, width;
  };
  std::vector<Place> places;
  std::vector<size_t> left_out;  // chosen, but there is no room
};
Layout PlaceColumns(const ColumnSet& chosen, std::span<const Row> rows, size_t width,
                    Charset charset);

// Sorts workers by a column, equal ones by their number; the cores in each keep their order.
void SortGroups(std::vector<RowGroup>& groups, size_t column, bool descending);
// Sorts single lines, for cores without workers.
void SortRows(std::vector<Row>& rows, size_t column, bool descending);

// The titles, and a row, as one line of text with every column at its place.
std::string TitleLine(const Layout& layout);
std::string RowLine(const Row& row, const Layout& layout, Charset charset);

}  // namespace uwsgi::top
