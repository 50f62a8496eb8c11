// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/option_table.h"

namespace uwsgi {
namespace {

const Setting* LastSetting(const std::vector<Setting>& settings, std::string_view name) {
  const OptionRow* const row = FindOption(name);
  const auto is_meant = [&](const Setting& setting) {
    return setting.name == name || (row != nullptr && FindOption(setting.name) == row);
  };
  const auto found = std::find_if(settings.rbegin(), settings.rend(), is_meant);
  return found == settings.rend() ? nullptr : &*found;
}

}  // namespace

std::string Origin::text() const { return line > 0 ? fmt::format("{}:{}", source, line) : source; }

Origin Options::OriginOf(std::string_view option_name) const {
  const Setting* const last = LastSetting(settings, option_name);
  return last == nullptr ? Origin() : last->origin;
}

bool Options::IsSet(std::string_view name) const { return LastSetting(settings, name) != nullptr; }

}  // namespace uwsgi
