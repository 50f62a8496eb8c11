// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// When a task runs (reference 33 section 3.1). A number is that value, -1 is every value, -N those
// that N divides. Month 1 to 12, weekday 0 (Sunday) to 7 (Sunday again). When both day and weekday
// are given, either will do.
struct CronFields {
  int minute = -1;
  int hour = -1;
  int day = -1;
  int month = -1;
  int weekday = -1;

  bool operator==(const CronFields&) const = default;
  // Bound to moments of the day, as opposed to every so many minutes: a moment that the clock leaps
  // over is made up for, and one that comes twice is used once.
  [[nodiscard]] bool is_fixed() const { return minute >= 0 && hour >= 0; }
};

// Whether a number can ever match its field.
Status CheckCronFields(const CronFields& fields);

// Whether the minute matches; `when` as localtime_r() makes it.
bool Matches(const CronFields& fields, const tm& when);

// A command of the configuration and when it runs.
struct CronJob {
  CronFields fields;
  std::string command;
  bool unique = false;     // not while the last run goes on
  int64_t harakiri_s = 0;  // 0: runs as long as it likes
  bool names_legion = false;
};

// The value of `cron` and its relatives: five numbers and a command.
Result<CronJob> ParseCron(std::string_view text);
// The value of `cron2`: settings between commas, a blank, and a command.
Result<CronJob> ParseCron2(std::string_view text);

// Which minutes are due, as time passes in any manner: second by second, with leaps of the zone
// (summer time) or of the clock, or not at all for a while. It works on minutes of local time.
class CronClock {
 public:
  // A minute to be compared with the fields of tasks.
  struct Due {
    tm minute{};
    bool only_fixed = false;     // it was leaped over: tasks of fixed moments are made up for
    bool without_fixed = false;  // the clock was put back: those have run
  };

  // `done`: the minute since 1970 (UTC) that was looked at last, nothing at a first start, when the
  // running minute is due. `local`: what local() said then.
  explicit CronClock(std::optional<int64_t> done = std::nullopt,
                     std::optional<int64_t> local = std::nullopt)
      : done_(done), local_(local) {}

  // The minutes that have become due at `now` (seconds since 1970), oldest first; none while the
  // minute is the one of before. A leap of more than three hours is no leap: time begins anew.
  std::vector<Due> Advance(int64_t now);

  [[nodiscard]] std::optional<int64_t> done() const { return done_; }
  // The latest minute of local time whose fixed tasks ran.
  [[nodiscard]] std::optional<int64_t> local() const { return local_; }

 private:
  std::optional<int64_t> done_;   // minutes since 1970, UTC
  std::optional<int64_t> local_;  // minutes since 1970 as the clock on the wall counts them
};

// Whether a task with these fields runs in that minute.
bool IsDue(const CronFields& fields, const CronClock::Due& due);

}  // namespace uwsgi
