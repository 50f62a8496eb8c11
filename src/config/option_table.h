// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/options.h"

namespace uwsgi {

// What the value of an option is and where it goes.
enum class OptionKind {
  kFlag,       // on unless the value is false, off, no or 0
  kCount,      // a whole number
  kSize,       // bytes; k, m, g multiply by 1024
  kMegabytes,  // megabytes given, bytes kept
  kSecs,       // seconds
  kOctal,      // octal digits
  kPath,
  kAddress,
  kName,
  kText,     // free text: what looks like a comment belongs to it
  kCommand,  // as kText
  kPathList,
  kAddressList,
  kNameList,
  kTextList,
  kCommandList,
  kOptionalText,
  kOptionalMode,  // three octal digits, kept as text; bare or 1 mean 666
  kOptionalSecs,
  kOptionalCount,
  kOptionalTextList,
  kDirectivePath,  // acted upon while reading: other files
  kDirectiveText,  // acted upon while reading: set and its like
  kLogic,          // opens a block of conditional or repeated lines
  kLogicFlag,
  kLogicEnd,
  kAlwaysOn,  // names something that this server does anyway
  kAlwaysOnOptional,
  kAlwaysOnValue,
  kIgnored,  // known, without effect in this release; warns once
  kIgnoredOptional,
  kIgnoredValue,
  kRefusedValue,  // known, and an error: without it the server would be less confined than it seems
  kRefusedLoader,  // the same: without it there would be no application
};

// Whether a value follows on the command line: never (but `--flag=false` is taken), only as
// `--name=value`, always.
enum class Arity { kNone, kOptional, kRequired };

// What is the same for all options of one kind.
struct KindTraits {
  Arity arity;
  bool ends_at_comment;  // a trailing comment in a file is not part of the value; $NAME and ${NAME}
                         // are expanded
  bool is_number;        // nothing but digits makes sense
  std::string_view value_name;  // "N", "PATH"; for --help
};
const KindTraits& TraitsOf(OptionKind kind);
bool IsLogic(OptionKind kind);
bool IsIgnored(OptionKind kind);
bool IsAlwaysOn(OptionKind kind);
bool IsRefused(OptionKind kind);

enum class Section {
  kConfiguration,
  kSockets,
  kHttp,
  kTls,
  kRequests,
  kApplications,
  kPython,
  kWorkers,
  kProcesses,
  kIdentity,
  kLog,
  kStats,
  kStatic,
  kRouting,
  kCache,
  kSpooler,
  kSignals,
  kMules,
  kServices,
  kAlarms,
  kHooks,
  kDaemons,
  kEmperor,
  kCluster,
  kRouters,
  kOther,
};
std::string_view TitleOf(Section section);

// The member of Options that an option writes.
using OptionTarget =
    std::variant<std::monostate, bool Options::*, int64_t Options::*, int Options::*,
                 std::string Options::*, ListOption Options::*,
                 std::optional<std::string> Options::*, std::optional<int64_t> Options::*>;

struct OptionRow {
  OptionKind kind;
  std::vector<std::string_view> names;  // the canonical name first
  char letter;                          // 0 when there is none
  OptionTarget target;
  std::string_view default_text;  // as the table writes it
  Section section;
  std::string_view help;

  [[nodiscard]] std::string_view name() const { return names.front(); }
};

// All rows in the order of options.def.
std::span<const OptionRow> AllOptions();
// The row that has this name or alias exactly, null when there is none.
const OptionRow* FindOption(std::string_view name);
const OptionRow* FindOptionByLetter(char letter);

}  // namespace uwsgi
