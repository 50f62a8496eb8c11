// SPDX-License-Identifier: Apache-2.0
#include "service/cron.h"

#include <algorithm>

#include "base/clock.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

constexpr int64_t kMinute = 60;
// Summer time moves clocks by an hour or two, people who correct them by less.
constexpr int64_t kLongestLeap = 180;  // minutes
constexpr int64_t kLargestNumber = 1'000'000;

struct FieldRow {
  std::string_view name;
  int CronFields::*field;
  int least;
  int most;
};
constexpr FieldRow kFields[] = {
    {"minute", &CronFields::minute, 0, 59}, {"hour", &CronFields::hour, 0, 23},
    {"day", &CronFields::day, 1, 31},       {"month", &CronFields::month, 1, 12},
    {"week", &CronFields::weekday, 0, 7},
};

std::optional<int64_t> ParseSigned(std::string_view text) {
  const bool negative = StartsWith(text, "-");
  const auto number = ParseInt(negative ? text.substr(1) : text);
  if (!number) return std::nullopt;
  return negative ? -*number : *number;
}

bool MatchesField(int field, int value) { return field < 0 ? value % -field == 0 : field == value; }

bool MatchesWeekday(int field, int value) { return MatchesField(field == 7 ? 0 : field, value); }

Status SetField(CronFields& fields, const FieldRow& row, std::string_view text) {
  const auto number = ParseSigned(text);
  if (!number || *number < -kLargestNumber || *number > kLargestNumber)
    return Fail("invalid cron syntax: {} is no {}", text.empty() ? "nothing" : text, row.name);
  fields.*row.field = static_cast<int>(*number);
  return CheckCronFields(fields);
}

// Takes the next word off the front.
std::string_view TakeWord(std::string_view& text) {
  text = Trim(text);
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = Trim(text.substr(end));
  return word;
}

Result<int64_t> ParseSetting(std::string_view key, std::string_view value) {
  const auto number = ParseSigned(value);
  if (!number || *number < 0) return Fail("invalid cron syntax: {}={}", key, value);
  return *number;
}

Status ApplySetting(CronJob& job, std::string_view key, std::string_view value) {
  for (const FieldRow& row : kFields) {
    const bool is_it = key == row.name || (key == "weekday" && row.name == "week");
    if (is_it) return SetField(job.fields, row, value);
  }
  if (key == "unique") {
    job.unique = TRY(ParseSetting(key, value)) != 0;
  } else if (key == "harakiri") {
    job.harakiri_s = std::min(TRY(ParseSetting(key, value)), kLongestSecs);
  } else if (key == "legion") {
    job.names_legion = true;
  } else {
    return Fail("invalid cron syntax: unknown key {}", key);
  }
  return {};
}

tm LocalTime(int64_t seconds) {
  const time_t when = seconds;
  tm local{};
  ::localtime_r(&when, &local);
  return local;
}

// Minutes since 1970 as the clock on the wall counts them.
int64_t LocalMinute(int64_t minute) {
  return minute + LocalTime(minute * kMinute).tm_gmtoff / kMinute;
}

// A minute of local time, whether or not the clock ever showed it.
tm BrokenDown(int64_t local_minute) {
  const time_t as_if_utc = local_minute * kMinute;
  tm fields{};
  ::gmtime_r(&as_if_utc, &fields);
  return fields;
}

}  // namespace

Status CheckCronFields(const CronFields& fields) {
  for (const FieldRow& row : kFields) {
    const int value = fields.*row.field;
    if (value >= 0 && (value < row.least || value > row.most))
      return Fail("invalid cron syntax: {} {} never comes", row.name, value);
  }
  return {};
}

bool Matches(const CronFields& fields, const tm& when) {
  if (!MatchesField(fields.minute, when.tm_min) || !MatchesField(fields.hour, when.tm_hour) ||
      !MatchesField(fields.month, when.tm_mon + 1))
    return false;
  const bool day = MatchesField(fields.day, when.tm_mday);
  const bool weekday = MatchesWeekday(fields.weekday, when.tm_wday);
  return fields.day >= 0 && fields.weekday >= 0 ? day || weekday : day && weekday;
}

Result<CronJob> ParseCron(std::string_view text) {
  CronJob job;
  for (const FieldRow& row : kFields) TRY_STATUS(SetField(job.fields, row, TakeWord(text)));
  if (text.empty()) return Fail("invalid cron syntax: no command");
  job.command = text;
  return job;
}

Result<CronJob> ParseCron2(std::string_view text) {
  CronJob job;
  std::string_view rest = text;
  const std::string_view settings = TakeWord(rest);
  if (settings.find('=') == std::string_view::npos) {
    // compat: the list of settings may be left out.
    job.command = Trim(text);
    if (job.command.empty()) return Fail("invalid cron syntax: no command");
    return job;
  }
  if (rest.empty()) return Fail("unable to parse cron definition: {}", text);
  for (const std::string_view setting : Split(settings, ',')) {
    const size_t equals = setting.find('=');
    if (equals == std::string_view::npos) return Fail("invalid cron syntax: {}", setting);
    TRY_STATUS(ApplySetting(job, setting.substr(0, equals), setting.substr(equals + 1)));
  }
  job.command = rest;
  return job;
}

std::vector<CronClock::Due> CronClock::Advance(int64_t now) {
  const int64_t minute = now / kMinute;
  if (done_ == minute) return {};
  const int64_t local = LocalMinute(minute);
  if (done_ && !local_) local_ = LocalMinute(*done_);
  done_ = minute;
  const int64_t leap = local_ ? local - *local_ : 1;
  std::vector<Due> due;
  if (leap < -kLongestLeap || leap > kLongestLeap || !local_) {
    due.push_back({.minute = BrokenDown(local)});
  } else if (leap <= 0) {
    // Until the clock has caught up with itself.
    due.push_back({.minute = BrokenDown(local), .without_fixed = true});
    return due;
  } else {
    for (int64_t missed = *local_ + 1; missed < local; ++missed)
      due.push_back({.minute = BrokenDown(missed), .only_fixed = true});
    due.push_back({.minute = BrokenDown(local)});
  }
  local_ = local;
  return due;
}

bool IsDue(const CronFields& fields, const CronClock::Due& due) {
  if (due.only_fixed && !fields.is_fixed()) return false;
  if (due.without_fixed && fields.is_fixed()) return false;
  return Matches(fields, due.minute);
}

}  // namespace uwsgi
