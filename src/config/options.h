// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace uwsgi {

// Where a setting was written, for messages.
struct Origin {
  std::string source;  // "site.ini", "command line", "environment UWSGI_X"
  int line = 0;        // 0 when the source has no lines

  // "site.ini:4", "command line", "environment UWSGI_X".
  [[nodiscard]] std::string text() const;
};

// One value of an option that may be given many times.
struct ListValue {
  std::string text;
  Origin origin;
  int order = 0;  // position in the whole configuration: lists of different options merge by it
  std::string option;  // the name as it was given
};
using ListOption = std::vector<ListValue>;

// One pair of the configuration, in the order in which everything was given.
struct Setting {
  std::string name;   // as typed; a shortened command line option is written out
  std::string value;  // after substitution
  bool has_value = false;
  bool known = false;  // the name of an option, else a placeholder
  Origin origin;
  int order = 0;
};

// The typed sum of everything given: one member for each row of options.def that has one, named and
// defaulted there. Only the files named *_plan.cc and cli/ read it; each makes its part's own spec
// of it.
struct Options {
// The member that a row of each kind gets; kinds without a member expand to nothing.
#define UWSGI_FIELD_Flag(field, value) bool field = value;
#define UWSGI_FIELD_Count(field, value) int64_t field = value;
#define UWSGI_FIELD_Size(field, value) int64_t field = value;
#define UWSGI_FIELD_Megabytes(field, value) int64_t field = value;
#define UWSGI_FIELD_Secs(field, value) int64_t field = value;
#define UWSGI_FIELD_Octal(field, value) int field = value;
#define UWSGI_FIELD_Path(field, value) std::string field = value;
#define UWSGI_FIELD_Address(field, value) std::string field = value;
#define UWSGI_FIELD_Name(field, value) std::string field = value;
#define UWSGI_FIELD_Text(field, value) std::string field = value;
#define UWSGI_FIELD_Command(field, value) std::string field = value;
#define UWSGI_FIELD_PathList(field, value) ListOption field;
#define UWSGI_FIELD_AddressList(field, value) ListOption field;
#define UWSGI_FIELD_NameList(field, value) ListOption field;
#define UWSGI_FIELD_TextList(field, value) ListOption field;
#define UWSGI_FIELD_CommandList(field, value) ListOption field;
// Empty when not given; an empty text or 0 when given without a value (`exit` alone is 1).
#define UWSGI_FIELD_OptionalText(field, value) std::optional<std::string> field;
#define UWSGI_FIELD_OptionalMode(field, value) std::optional<std::string> field;
#define UWSGI_FIELD_OptionalSecs(field, value) std::optional<int64_t> field;
#define UWSGI_FIELD_OptionalCount(field, value) std::optional<int64_t> field;
#define UWSGI_FIELD_OptionalTextList(field, value) ListOption field;
#define UWSGI_FIELD_DirectivePath(field, value)
#define UWSGI_FIELD_DirectiveText(field, value)
#define UWSGI_FIELD_Logic(field, value)
#define UWSGI_FIELD_LogicFlag(field, value)
#define UWSGI_FIELD_LogicEnd(field, value)
#define UWSGI_FIELD_AlwaysOn(field, value)
#define UWSGI_FIELD_AlwaysOnOptional(field, value)
#define UWSGI_FIELD_AlwaysOnValue(field, value)
#define UWSGI_FIELD_Ignored(field, value)
#define UWSGI_FIELD_IgnoredOptional(field, value)
#define UWSGI_FIELD_IgnoredValue(field, value)
#define UWSGI_FIELD_RefusedValue(field, value)
#define UWSGI_FIELD_RefusedLoader(field, value)
#define OPTION(kind, field, names, key, value, section, help) UWSGI_FIELD_##kind(field, value)
#include "config/options.def"
#undef OPTION

  // Every pair in order: for `uwsgi.opt`, --show-config, --get and %(name).
  std::vector<Setting> settings;
  // The letters of %n, %d, ... as they stood after reading, for `uwsgi.magic_table`.
  std::map<char, std::string> magic;

  // The last place where an option was given, under any of its names; an empty source when it was
  // not.
  [[nodiscard]] Origin OriginOf(std::string_view option_name) const;
  // Whether an option (under any of its names) or a placeholder was given at all.
  [[nodiscard]] bool IsSet(std::string_view name) const;
};

}  // namespace uwsgi
