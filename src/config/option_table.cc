// SPDX-License-Identifier: Apache-2.0
#include "config/option_table.h"

#include <unordered_map>

#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr bool kComments = true;
constexpr bool kNoComments = false;
constexpr bool kNumber = true;
constexpr bool kNoNumber = false;

struct KindRow {
  OptionKind kind;
  KindTraits traits;
};

constexpr KindRow kKinds[] = {
    {OptionKind::kFlag, {Arity::kNone, kComments, kNoNumber, ""}},
    {OptionKind::kCount, {Arity::kRequired, kComments, kNumber, "N"}},
    {OptionKind::kSize, {Arity::kRequired, kComments, kNumber, "BYTES"}},
    {OptionKind::kMegabytes, {Arity::kRequired, kComments, kNumber, "MB"}},
    {OptionKind::kSecs, {Arity::kRequired, kComments, kNumber, "SECONDS"}},
    {OptionKind::kOctal, {Arity::kRequired, kComments, kNumber, "MODE"}},
    {OptionKind::kPath, {Arity::kRequired, kComments, kNoNumber, "PATH"}},
    {OptionKind::kAddress, {Arity::kRequired, kComments, kNoNumber, "ADDRESS"}},
    {OptionKind::kName, {Arity::kRequired, kComments, kNoNumber, "NAME"}},
    {OptionKind::kText, {Arity::kRequired, kNoComments, kNoNumber, "TEXT"}},
    {OptionKind::kCommand, {Arity::kRequired, kNoComments, kNoNumber, "COMMAND"}},
    {OptionKind::kPathList, {Arity::kRequired, kComments, kNoNumber, "PATH"}},
    {OptionKind::kAddressList, {Arity::kRequired, kComments, kNoNumber, "ADDRESS"}},
    {OptionKind::kNameList, {Arity::kRequired, kComments, kNoNumber, "NAME"}},
    {OptionKind::kTextList, {Arity::kRequired, kNoComments, kNoNumber, "TEXT"}},
    {OptionKind::kCommandList, {Arity::kRequired, kNoComments, kNoNumber, "COMMAND"}},
    {OptionKind::kOptionalText, {Arity::kOptional, kNoComments, kNoNumber, "TEXT"}},
    {OptionKind::kOptionalMode, {Arity::kOptional, kComments, kNumber, "MODE"}},
    {OptionKind::kOptionalSecs, {Arity::kOptional, kComments, kNumber, "SECONDS"}},
    {OptionKind::kOptionalCount, {Arity::kOptional, kComments, kNumber, "N"}},
    {OptionKind::kOptionalTextList, {Arity::kOptional, kNoComments, kNoNumber, "TEXT"}},
    {OptionKind::kDirectivePath, {Arity::kRequired, kComments, kNoNumber, "FILE"}},
    {OptionKind::kDirectiveText, {Arity::kRequired, kNoComments, kNoNumber, "NAME=VALUE"}},
    {OptionKind::kLogic, {Arity::kRequired, kComments, kNoNumber, "VALUE"}},
    {OptionKind::kLogicFlag, {Arity::kNone, kComments, kNoNumber, ""}},
    {OptionKind::kLogicEnd, {Arity::kOptional, kComments, kNoNumber, ""}},
    {OptionKind::kAlwaysOn, {Arity::kNone, kComments, kNoNumber, ""}},
    {OptionKind::kAlwaysOnOptional, {Arity::kOptional, kComments, kNoNumber, "VALUE"}},
    {OptionKind::kAlwaysOnValue, {Arity::kRequired, kComments, kNoNumber, "VALUE"}},
    {OptionKind::kIgnored, {Arity::kNone, kComments, kNoNumber, ""}},
    {OptionKind::kIgnoredOptional, {Arity::kOptional, kNoComments, kNoNumber, "VALUE"}},
    {OptionKind::kIgnoredValue, {Arity::kRequired, kNoComments, kNoNumber, "VALUE"}},
    {OptionKind::kRefusedValue, {Arity::kRequired, kNoComments, kNoNumber, "VALUE"}},
    {OptionKind::kRefusedLoader, {Arity::kRequired, kNoComments, kNoNumber, "VALUE"}},
};

constexpr bool KindsAreInOrder() {
  int expected = 0;
  for (const KindRow& row : kKinds) {
    if (static_cast<int>(row.kind) != expected++) return false;
  }
  return expected == static_cast<int>(OptionKind::kRefusedLoader) + 1;
}
static_assert(KindsAreInOrder(),
              "kKinds has one row for each OptionKind, in the order of the enum");

constexpr std::string_view kSectionTitles[] = {
    "Configuration",
    "Sockets",
    "HTTP",
    "TLS",
    "Requests",
    "Applications",
    "Python",
    "Workers",
    "Processes",
    "Identity and limits",
    "Log",
    "Statistics and metrics",
    "Static files",
    "Routing",
    "Cache",
    "Spooler",
    "Signals, timers and cron",
    "Mules",
    "Queue, locks, shared areas and RPC",
    "Alarms",
    "Hooks",
    "Attached daemons",
    "Emperor",
    "Cluster and subscriptions",
    "Routers",
    "Other",
};
static_assert(std::size(kSectionTitles) == static_cast<size_t>(Section::kOther) + 1);

// The member of a row; kinds without one have none.
#define UWSGI_TARGET_Flag(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Count(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Size(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Megabytes(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Secs(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Octal(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Path(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Address(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Name(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Text(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_Command(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_PathList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_AddressList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_NameList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_TextList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_CommandList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_OptionalText(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_OptionalMode(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_OptionalSecs(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_OptionalCount(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_OptionalTextList(field) OptionTarget(&Options::field)
#define UWSGI_TARGET_DirectivePath(field) OptionTarget()
#define UWSGI_TARGET_DirectiveText(field) OptionTarget()
#define UWSGI_TARGET_Logic(field) OptionTarget()
#define UWSGI_TARGET_LogicFlag(field) OptionTarget()
#define UWSGI_TARGET_LogicEnd(field) OptionTarget()
#define UWSGI_TARGET_AlwaysOn(field) OptionTarget()
#define UWSGI_TARGET_AlwaysOnOptional(field) OptionTarget()
#define UWSGI_TARGET_AlwaysOnValue(field) OptionTarget()
#define UWSGI_TARGET_Ignored(field) OptionTarget()
#define UWSGI_TARGET_IgnoredOptional(field) OptionTarget()
#define UWSGI_TARGET_IgnoredValue(field) OptionTarget()
#define UWSGI_TARGET_RefusedValue(field) OptionTarget()
#define UWSGI_TARGET_RefusedLoader(field) OptionTarget()

// The table as the compiler lays it down: data only, so that 900 rows are not 900 pieces of code.
struct RawRow {
  OptionKind kind;
  std::string_view names;
  char letter;
  OptionTarget target;
  std::string_view default_text;
  Section section;
  std::string_view help;
};

constexpr RawRow kRawRows[] = {
#define OPTION(kind, field, names, key, value, section, help) \
  {OptionKind::k##kind, names, key, UWSGI_TARGET_##kind(field), #value, Section::k##section, help},
#include "config/options.def"
#undef OPTION
};

std::vector<OptionRow> MakeRows() {
  std::vector<OptionRow> rows;
  rows.reserve(std::size(kRawRows));
  for (const RawRow& raw : kRawRows) {
    rows.push_back(OptionRow{raw.kind, SplitWords(raw.names), raw.letter, raw.target,
                             raw.default_text, raw.section, raw.help});
  }
  return rows;
}

const std::vector<OptionRow>& Rows() {
  static const std::vector<OptionRow> rows = MakeRows();
  return rows;
}

using NameIndex = std::unordered_map<std::string_view, const OptionRow*>;

NameIndex MakeIndex() {
  NameIndex index;
  for (const OptionRow& row : Rows()) {
    for (std::string_view name : row.names) index.emplace(name, &row);
  }
  return index;
}

}  // namespace

const KindTraits& TraitsOf(OptionKind kind) { return kKinds[static_cast<size_t>(kind)].traits; }

bool IsLogic(OptionKind kind) {
  return kind == OptionKind::kLogic || kind == OptionKind::kLogicFlag ||
         kind == OptionKind::kLogicEnd;
}

bool IsIgnored(OptionKind kind) {
  return kind == OptionKind::kIgnored || kind == OptionKind::kIgnoredOptional ||
         kind == OptionKind::kIgnoredValue;
}

bool IsAlwaysOn(OptionKind kind) {
  return kind == OptionKind::kAlwaysOn || kind == OptionKind::kAlwaysOnOptional ||
         kind == OptionKind::kAlwaysOnValue;
}

bool IsRefused(OptionKind kind) {
  return kind == OptionKind::kRefusedValue || kind == OptionKind::kRefusedLoader;
}

std::string_view TitleOf(Section section) { return kSectionTitles[static_cast<size_t>(section)]; }

std::span<const OptionRow> AllOptions() { return Rows(); }

const OptionRow* FindOption(std::string_view name) {
  static const NameIndex index = MakeIndex();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

const OptionRow* FindOptionByLetter(char letter) {
  if (letter == 0) return nullptr;
  for (const OptionRow& row : Rows()) {
    if (row.letter == letter) return &row;
  }
  return nullptr;
}

}  // namespace uwsgi
