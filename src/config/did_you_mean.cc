// SPDX-License-Identifier: Apache-2.0
#include "config/did_you_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "config/option_table.h"

namespace uwsgi {
namespace {

// Letters to insert, drop, change or swap with their neighbour to get from one word to the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

// A short word has near neighbours by chance.
size_t AllowedDistance(size_t length) { return length <= 3 ? 0 : length <= 5 ? 1 : 2; }

std::string_view OnlyOptionBeginningWith(std::string_view prefix) {
  const OptionRow* only = nullptr;
  std::string_view shortest;
  for (const OptionRow& row : AllOptions()) {
    for (std::string_view name : row.names) {
      if (!name.starts_with(prefix)) continue;
      if (only != nullptr && only != &row) return {};
      if (only == nullptr || name.size() < shortest.size()) shortest = name;
      only = &row;
    }
  }
  return shortest;
}

}  // namespace

std::string_view NearestOption(std::string_view name) {
  std::string wanted = ToLower(name);
  std::replace(wanted.begin(), wanted.end(), '_', '-');
  if (const OptionRow* row = FindOption(wanted))
    return *std::find(row->names.begin(), row->names.end(), wanted);
  std::string_view nearest;
  // Twice the distance, plus one for an option that has no effect.
  size_t least = 2 * AllowedDistance(wanted.size()) + 2;
  for (const OptionRow& row : AllOptions()) {
    for (std::string_view known : row.names) {
      const size_t difference = known.size() > wanted.size() ? known.size() - wanted.size()
                                                             : wanted.size() - known.size();
      if (2 * difference >= least) continue;
      const size_t cost = 2 * EditDistance(wanted, known) + (IsIgnored(row.kind) ? 1 : 0);
      if (cost < least) {
        least = cost;
        nearest = known;
      }
    }
  }
  if (nearest.empty() && wanted.size() > 3) nearest = OnlyOptionBeginningWith(wanted);
  return nearest;
}

std::string DidYouMean(std::string_view name) {
  const std::string_view nearest = NearestOption(name);
  return nearest.empty() ? std::string() : fmt::format(", did you mean \"{}\"?", nearest);
}

}  // namespace uwsgi
