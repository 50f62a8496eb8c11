// SPDX-License-Identifier: Apache-2.0
#include "config/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/strings.h"
#include "config/did_you_mean.h"
#include "config/option_table.h"

namespace uwsgi {
namespace {

constexpr std::string_view kIntroduction =
    "Options are applied in this order, and the last one given wins: UWSGI_* variables of the "
    "environment, dashed options\n"
    "from left to right, then files named without an option (`uwsgi site.ini` overrides every "
    "dashed option).\n"
    "Everything may stand in a file as `name = value`. `uwsgi --help WORD` lists what has to do "
    "with WORD.\n";

// "-p|--processes N", "--chmod-socket[=MODE]"
std::string Usage(const OptionRow& row) {
  const KindTraits& traits = TraitsOf(row.kind);
  std::string usage = row.letter != 0 ? fmt::format("-{}|--{}", row.letter, row.name())
                                      : fmt::format("--{}", row.name());
  if (traits.arity == Arity::kRequired) return usage + fmt::format(" {}", traits.value_name);
  if (traits.arity == Arity::kOptional && !traits.value_name.empty())
    return usage + fmt::format("[={}]", traits.value_name);
  return usage;
}

// The default where it says something: not for flags, 0, nothing or "the system's choice".
std::string_view TellingDefault(const OptionRow& row) {
  std::string_view text = row.default_text;
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  for (std::string_view silent : {"", "{}", "0", "-1", "false"}) {
    if (text == silent) return {};
  }
  return text;
}

std::string Remarks(const OptionRow& row) {
  std::vector<std::string> remarks;
  if (const std::string_view value = TellingDefault(row); !value.empty())
    remarks.push_back(fmt::format("default {}", value));
  if (row.names.size() > 1) {
    remarks.push_back(
        fmt::format("also --{}", fmt::join(row.names.begin() + 1, row.names.end(), " --")));
  }
  if (IsIgnored(row.kind)) remarks.emplace_back("no effect yet");
  if (IsRefused(row.kind)) remarks.emplace_back("refused yet");
  return remarks.empty() ? std::string() : fmt::format(" ({})", fmt::join(remarks, "; "));
}

bool HasToDoWith(const OptionRow& row, std::string_view lower_word) {
  const auto mentions = [&](std::string_view text) {
    return ToLower(text).find(lower_word) != std::string::npos;
  };
  return mentions(row.help) || mentions(TitleOf(row.section)) ||
         std::any_of(row.names.begin(), row.names.end(), mentions);
}

}  // namespace

std::string HelpText(std::string_view binary, std::string_view word) {
  std::string text = fmt::format("Usage: {} [options...]\n", binary);
  if (word.empty()) text.append("\n").append(kIntroduction);
  const std::string lower_word = ToLower(word);
  bool found = false;
  for (int number = 0; number <= static_cast<int>(Section::kOther); ++number) {
    std::string lines;
    for (const OptionRow& row : AllOptions()) {
      if (row.section != static_cast<Section>(number) || !HasToDoWith(row, lower_word)) continue;
      fmt::format_to(std::back_inserter(lines), "    {:<36}  {}{}\n", Usage(row), row.help,
                     Remarks(row));
    }
    if (lines.empty()) continue;
    found = true;
    fmt::format_to(std::back_inserter(text), "\n{}:\n{}", TitleOf(static_cast<Section>(number)),
                   lines);
  }
  if (!found)
    fmt::format_to(std::back_inserter(text), "\nno option has to do with \"{}\"{}\n", word,
                   DidYouMean(word));
  return text;
}

std::string ShowConfigText(const Options& options) {
  std::string text = "\n;uWSGI instance configuration\n[uwsgi]\n";
  for (const Setting& setting : options.settings) {
    fmt::format_to(std::back_inserter(text), "{} = {}\n", setting.name,
                   setting.has_value ? setting.value : "true");
  }
  return text.append(";end of configuration\n\n");
}

std::string OptionNamesText() {
  std::string text;
  for (const OptionRow& row : AllOptions()) {
    for (std::string_view name : row.names) text.append(name).push_back('\n');
  }
  return text;
}

std::string GetText(const Options& options) {
  std::string text;
  for (const ListValue& wanted : options.get) {
    const auto first =
        std::find_if(options.settings.begin(), options.settings.end(),
                     [&](const Setting& setting) { return setting.name == wanted.text; });
    if (first == options.settings.end()) continue;
    text.append(first->has_value ? first->value : "true").push_back('\n');
  }
  return text;
}

}  // namespace uwsgi
