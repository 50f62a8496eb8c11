// SPDX-License-Identifier: Apache-2.0
#include "config/logic.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "base/host_name.h"
#include "base/regex.h"
#include "base/strings.h"
#include "config/option_table.h"
#include "config/parts.h"
#include "config/source.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostTurns = 100000;

// What %(_) is on each turn; one turn without a text leaves %(_) as it is written.
using Turns = std::vector<std::optional<std::string>>;

struct Assignment {
  std::string_view name;
  std::optional<std::string_view> value;
};

Assignment SplitAssignment(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Turns OnceWith(std::string_view text) { return {std::string(text)}; }

Result<Turns> TurnsOfWords(std::string_view argument, const LogicFacts&) {
  Turns turns;
  for (std::string_view word : SplitWords(argument)) turns.emplace_back(word);
  return turns;
}

Result<Turns> TurnsOfCount(std::string_view argument, const LogicFacts&) {
  const std::optional<int64_t> count = ParseInt(argument);
  if (!count || *count > kMostTurns)
    return Fail("invalid value \"{}\" for option \"for-times\"", argument);
  Turns turns;
  for (int64_t turn = 1; turn <= *count; ++turn) turns.emplace_back(fmt::to_string(turn));
  return turns;
}

Result<Turns> TurnsOfGlob(std::string_view argument, const LogicFacts&) {
  glob_t found{};
  Turns turns;
  // compat: directories get a slash, and a pattern without a match stands for itself.
  if (::glob(std::string(argument).c_str(), GLOB_MARK | GLOB_NOCHECK, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) turns.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return turns;
}

Result<Turns> TurnsOfLines(std::string_view argument, const LogicFacts&) {
  std::string text = TRY(ReadSource(std::string(argument)));
  if (text.ends_with('\n')) text.pop_back();
  Turns turns;
  if (text.empty()) return turns;
  for (std::string_view line : Split(text, '\n')) turns.emplace_back(line);
  return turns;
}

Result<Turns> IfEnvironment(std::string_view argument, const LogicFacts& facts) {
  const Assignment wanted = SplitAssignment(argument);
  const std::string* const value = facts.environment.Find(wanted.name);
  if (value == nullptr || (wanted.value && *wanted.value != *value)) return Turns{};
  return OnceWith(*value);
}

// compat: the first setting of that name counts, under exactly that name.
Result<Turns> IfOption(std::string_view argument, const LogicFacts& facts) {
  const Assignment wanted = SplitAssignment(argument);
  for (const Setting& setting : facts.settings) {
    if (setting.name != wanted.name) continue;
    if (wanted.value && *wanted.value != setting.value) return Turns{};
    return OnceWith(setting.value);
  }
  return Turns{};
}

bool HasFileType(std::string_view path, mode_t type) {
  struct stat facts {};
  return ::stat(std::string(path).c_str(), &facts) == 0 &&
         (type == 0 || (facts.st_mode & S_IFMT) == type);
}

Result<Turns> IfExists(std::string_view argument, const LogicFacts&) {
  return HasFileType(argument, 0) ? OnceWith(argument) : Turns{};
}

Result<Turns> IfFile(std::string_view argument, const LogicFacts&) {
  return HasFileType(argument, S_IFREG) ? OnceWith(argument) : Turns{};
}

Result<Turns> IfDirectory(std::string_view argument, const LogicFacts&) {
  return HasFileType(argument, S_IFDIR) ? OnceWith(argument) : Turns{};
}

Result<Turns> IfPart(std::string_view argument, const LogicFacts&) {
  return IsBuiltInPart(argument) ? OnceWith(argument) : Turns{};
}

Result<Turns> IfHostName(std::string_view argument, const LogicFacts&) {
  return HostName() == argument ? OnceWith(argument) : Turns{};
}

Result<Turns> IfHostNameMatches(std::string_view argument, const LogicFacts&) {
  const Regex pattern = TRY(Regex::Create(argument));
  return pattern.Matches(HostName()) ? OnceWith(argument) : Turns{};
}

Result<Turns> IfReload(std::string_view, const LogicFacts& facts) {
  return facts.is_reload ? Turns{std::nullopt} : Turns{};
}

// What the one turn of an `if-not-*` is, once the condition is known not to hold.
Turns Bare(std::string_view, const LogicFacts&) { return {std::nullopt}; }
Turns Argument(std::string_view argument, const LogicFacts&) { return OnceWith(argument); }

// compat: the value that the option has instead.
Turns OptionAsItIs(std::string_view argument, const LogicFacts& facts) {
  for (const Setting& setting : facts.settings) {
    if (setting.name == SplitAssignment(argument).name) return OnceWith(setting.value);
  }
  return {std::nullopt};
}

struct OpenerRow {
  std::string_view name;
  Result<Turns> (*turns)(std::string_view argument, const LogicFacts& facts);
  Turns (*otherwise)(std::string_view argument,
                     const LogicFacts& facts);  // null when the opener has no `if-not-` form
};

constexpr OpenerRow kOpeners[] = {
    {"for", TurnsOfWords, nullptr},        {"for-times", TurnsOfCount, nullptr},
    {"for-glob", TurnsOfGlob, nullptr},    {"for-readline", TurnsOfLines, nullptr},
    {"if-env", IfEnvironment, Bare},       {"if-opt", IfOption, OptionAsItIs},
    {"if-exists", IfExists, Argument},     {"if-file", IfFile, Argument},
    {"if-dir", IfDirectory, Argument},     {"if-plugin", IfPart, Argument},
    {"if-hostname", IfHostName, Argument}, {"if-hostname-match", IfHostNameMatches, Argument},
    {"if-reload", IfReload, Bare},
};

constexpr std::string_view kIfNot = "if-not-";

const OpenerRow* FindOpener(std::string_view name) {
  const std::string positive = name.starts_with(kIfNot)
                                   ? fmt::format("if-{}", name.substr(kIfNot.size()))
                                   : std::string(name);
  const auto found = std::find_if(std::begin(kOpeners), std::end(kOpeners),
                                  [&](const OpenerRow& row) { return row.name == positive; });
  return found == std::end(kOpeners) ? nullptr : found;
}

}  // namespace

Status LogicBlock::Open(std::string_view opener, std::string_view argument, const Origin& origin) {
  if (is_open()) {
    return Fail(
        "recursive logic in options is not supported (option = {}, {}): the block opened by \"{}\" "
        "({}) has not ended",
        opener, origin.text(), opener_, opened_at_.text());
  }
  opener_ = opener;
  argument_ = argument;
  opened_at_ = origin;
  return {};
}

Result<std::vector<std::string>> LogicBlock::ValuesFor(std::string_view value,
                                                       const LogicFacts& facts) const {
  const OpenerRow* const row = FindOpener(opener_);
  if (row == nullptr) return Fail("option \"{}\" opens no block ({})", opener_, opened_at_.text());
  Result<Turns> turns = row->turns(argument_, facts);
  if (!turns) return Fail("{} ({})", turns.error().text(), opened_at_.text());
  if (opener_.starts_with(kIfNot))
    turns = turns->empty() ? row->otherwise(argument_, facts) : Turns();
  std::vector<std::string> values;
  for (const std::optional<std::string>& context : *turns) {
    values.push_back(context ? ReplaceAll(value, "%(_)", *context) : std::string(value));
  }
  return values;
}

}  // namespace uwsgi
