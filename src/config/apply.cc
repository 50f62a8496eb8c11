// SPDX-License-Identifier: Apache-2.0
#include "config/apply.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kMegabyte = 1024 * 1024;

std::optional<int64_t> UnitOf(char suffix) {
  switch (ToLower(suffix)) {
    case 'k':
      return 1024;
    case 'm':
      return kMegabyte;
    case 'g':
      return 1024 * kMegabyte;
    default:
      return std::nullopt;
  }
}

std::optional<int> ParseOctal(std::string_view text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 8);
  if (text.empty() || text.front() == '-' || error != std::errc() || stop != end || value > 07777)
    return std::nullopt;
  return value;
}

bool IsMode(std::string_view text) {
  if (text.empty() || text == "1") return true;  // compat: bare and `1` mean 666
  return (text.size() == 3 || (text.size() == 4 && text.front() == '0')) &&
         ParseOctal(text).has_value();
}

std::string_view ExpectationOf(OptionKind kind) {
  switch (kind) {
    case OptionKind::kSize:
      return "a number of bytes is expected, maybe with k, m or g behind it";
    case OptionKind::kMegabytes:
      return "a number of megabytes is expected";
    case OptionKind::kSecs:
    case OptionKind::kOptionalSecs:
      return "a number of seconds is expected";
    case OptionKind::kOctal:
      return "an octal number is expected";
    case OptionKind::kOptionalMode:
      return "three octal digits are expected";
    default:
      return "a whole number is expected";
  }
}

tl::unexpected<Error> InvalidValue(const OptionRow& row, const Setting& setting) {
  return Fail("invalid value \"{}\" for option \"{}\" ({}): {}", setting.value, setting.name,
              setting.origin.text(),
              setting.value.starts_with('-') ? "it must not be negative" : ExpectationOf(row.kind));
}

std::optional<int64_t> ParseSecs(std::string_view text) {
  const std::optional<int64_t> number = ParseInt(text);
  return number ? std::optional(std::min(*number, kLongestSecs)) : std::nullopt;
}

std::optional<int64_t> ParseNumber(OptionKind kind, std::string_view text) {
  switch (kind) {
    case OptionKind::kSize:
      return ParseSize(text);
    case OptionKind::kMegabytes:
      return ParseMegabytes(text);
    case OptionKind::kSecs:
    case OptionKind::kOptionalSecs:
      return ParseSecs(text);
    default:
      return ParseInt(text);
  }
}

// One writer for each type of member.
struct Writer {
  const OptionRow& row;
  const Setting& setting;
  Options& options;

  Status operator()(std::monostate) const { return {}; }

  Status operator()(bool Options::*member) const {
    const std::optional<bool> word = setting.value.empty() ? true : ParseFlagWord(setting.value);
    // compat: anything but false, off, no and 0 is on.
    if (!word)
      Log("\"{}\" for option \"{}\" ({}) is taken as true", setting.value, setting.name,
          setting.origin.text());
    options.*member = word.value_or(true);
    return {};
  }

  Status operator()(int64_t Options::*member) const {
    if (const std::optional<int64_t> number = ParseNumber(row.kind, setting.value)) {
      options.*member = *number;
      return {};
    }
    // compat: `post-buffering = true` is found in working configurations, where it had no effect.
    if (!ParseFlagWord(setting.value)) return InvalidValue(row, setting);
    Log("\"{}\" for option \"{}\" ({}) has no effect: {}", setting.value, setting.name,
        setting.origin.text(), ExpectationOf(row.kind));
    return {};
  }

  Status operator()(int Options::*member) const {
    const std::optional<int> number = ParseOctal(setting.value);
    if (!number) return InvalidValue(row, setting);
    options.*member = *number;
    return {};
  }

  Status operator()(std::string Options::*member) const {
    options.*member = setting.value;
    return {};
  }

  Status operator()(ListOption Options::*member) const {
    (options.*member)
        .push_back(ListValue{setting.value, setting.origin, setting.order, setting.name});
    return {};
  }

  Status operator()(std::optional<std::string> Options::*member) const {
    if (row.kind == OptionKind::kOptionalMode) {
      if (!IsMode(setting.value)) {
        return Fail("invalid chmod value: {} ({}): {}", setting.value, setting.origin.text(),
                    ExpectationOf(row.kind));
      }
      options.*member = setting.value;
      return {};
    }
    if (const std::optional<bool> word = ParseFlagWord(setting.value)) {
      options.*member = *word ? std::optional<std::string>("") : std::nullopt;
    } else {
      options.*member = setting.value;
    }
    return {};
  }

  Status operator()(std::optional<int64_t> Options::*member) const {
    const int64_t bare = row.kind == OptionKind::kOptionalCount ? 1 : 0;
    if (setting.value.empty()) {
      options.*member = bare;
    } else if (const std::optional<int64_t> number = ParseNumber(row.kind, setting.value)) {
      options.*member = *number;
    } else if (const std::optional<bool> word = ParseFlagWord(setting.value)) {
      options.*member = *word ? std::optional<int64_t>(bare) : std::nullopt;
    } else {
      return InvalidValue(row, setting);
    }
    return {};
  }
};

}  // namespace

Status ApplySetting(const OptionRow& row, const Setting& setting, Options& options) {
  return std::visit(Writer{row, setting, options}, row.target);
}

std::optional<int64_t> ParseSize(std::string_view text) {
  int64_t unit = 1;
  if (!text.empty()) {
    if (const std::optional<int64_t> named = UnitOf(text.back())) {
      unit = *named;
      text.remove_suffix(1);
    }
  }
  const std::optional<int64_t> number = ParseInt(text);
  if (!number || *number > std::numeric_limits<int64_t>::max() / unit) return std::nullopt;
  return *number * unit;
}

std::optional<int64_t> ParseMegabytes(std::string_view text) {
  if (!text.empty() && UnitOf(text.back())) return ParseSize(text);
  const size_t point = std::min(text.find('.'), text.size());
  const std::optional<int64_t> whole = ParseInt(text.substr(0, point));
  if (!whole || *whole > std::numeric_limits<int64_t>::max() / kMegabyte - 1) return std::nullopt;
  if (point == text.size()) return *whole * kMegabyte;
  const std::string_view digits = text.substr(point + 1);
  if (digits.size() > 9) return std::nullopt;
  const std::optional<int64_t> fraction = ParseInt(digits);
  if (!fraction) return std::nullopt;
  int64_t scale = 1;
  for (size_t i = 0; i < digits.size(); ++i) scale *= 10;
  return *whole * kMegabyte + *fraction * kMegabyte / scale;
}

std::optional<bool> ParseFlagWord(std::string_view text) {
  for (std::string_view word : {"true", "on", "yes", "1"}) {
    if (EqualsIgnoringCase(text, word)) return true;
  }
  for (std::string_view word : {"false", "off", "no", "0"}) {
    if (EqualsIgnoringCase(text, word)) return false;
  }
  return std::nullopt;
}

}  // namespace uwsgi
