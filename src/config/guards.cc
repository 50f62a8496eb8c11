// SPDX-License-Identifier: Apache-2.0
#include "config/guards.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace uwsgi {
namespace {

// What an action's text begins with. `break` and `return` with other statuses redirect, excuse or
// answer.
constexpr std::array<std::string_view, 8> kGuards = {
    "basicauth:", "basicauth-next:", "ldapauth:",           "ldapauth-next:",
    "radius:",    "break:4",         "break-with-status:4", "return:4",
};

bool IsGuard(std::string_view word) {
  return std::any_of(kGuards.begin(), kGuards.end(),
                     [word](std::string_view guard) { return word.starts_with(guard); });
}

bool KeepsRequestsAway(const OptionRow& row, std::string_view value) {
  if (row.kind != OptionKind::kIgnoredValue || !row.name().starts_with("route")) return false;
  const auto words = SplitWords(value);
  return std::any_of(words.begin(), words.end(), IsGuard);
}

}  // namespace

std::string_view WhyRefused(const OptionRow& row, std::string_view value) {
  if (row.kind == OptionKind::kRefusedValue) {
    return "this release cannot do it, and without it the server would be less confined than it "
           "seems";
  }
  if (KeepsRequestsAway(row, value)) {
    return "this release has no routing, and without this rule the server would answer what it "
           "keeps closed";
  }
  if (row.kind == OptionKind::kRefusedLoader)
    return "this release cannot load an application this way";
  return {};
}

}  // namespace uwsgi
