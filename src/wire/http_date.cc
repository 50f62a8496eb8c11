// SPDX-License-Identifier: Apache-2.0
#include "wire/http_date.h"

#include <chrono>
#include <cstring>

#include "base/scan.h"

namespace uwsgi {
namespace {

constexpr ByteView kDays = "SunMonTueWedThuFriSat";
constexpr ByteView kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr int64_t kDaySeconds = 86400;

void PutDigits(char* out, int count, unsigned value) {
  for (char* at = out + count; at != out; value /= 10) *--at = static_cast<char>('0' + value % 10);
}

struct Date {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned seconds = 0;  // of the day
};

// Takes a date apart by a picture: 'Y', 'd' are digits of year and day, 'h', 'm', 's' of the time,
// "ooo" a month, 'w' letters of a weekday, '_' a space or a digit of the day; everything else
// stands for itself.
std::optional<Date> ReadByPicture(ByteView text, ByteView picture) {
  if (text.size() != picture.size()) return std::nullopt;
  Date date;
  unsigned time[3] = {};
  for (size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    const bool digit = IsByte(byte, kDigitByte);
    const unsigned value = digit ? static_cast<unsigned>(byte - '0') : 0;
    const char sign = picture[at];
    const size_t part = ByteView("hms").find(sign);
    if (sign == 'Y' && digit) {
      date.year = date.year * 10 + value;
    } else if ((sign == 'd' && digit) || (sign == '_' && (digit || byte == ' '))) {
      date.day = date.day * 10 + value;
    } else if (part != ByteView::npos && digit) {
      time[part] = time[part] * 10 + value;
    } else if (sign == 'o') {
      const size_t month = kMonths.find(text.substr(at, 3));
      if (month == ByteView::npos || month % 3 != 0) return std::nullopt;
      date.month = static_cast<unsigned>(month / 3 + 1);
      at += 2;
    } else if (sign != byte && !(sign == 'w' && IsByte(byte, kAlnumByte) && !digit)) {
      return std::nullopt;
    }
  }
  if (time[0] > 23 || time[1] > 59 || time[2] > 60) return std::nullopt;
  date.seconds = time[0] * 3600 + time[1] * 60 + time[2];
  return date;
}

std::optional<int64_t> ToSeconds(const Date& date) {
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(date.year)),
                                        std::chrono::month(date.month), std::chrono::day(date.day)};
  if (!day.ok()) return std::nullopt;
  return int64_t{std::chrono::sys_days(day).time_since_epoch().count()} * kDaySeconds +
         date.seconds;
}

unsigned YearOf(int64_t unix_seconds) {
  const std::chrono::sys_days days{std::chrono::days(unix_seconds / kDaySeconds)};
  return static_cast<unsigned>(static_cast<int>(std::chrono::year_month_day(days).year()));
}

}  // namespace

void FormatHttpDate(int64_t unix_seconds, char* out) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(time - days);
  std::memcpy(out, "Day, 00 Mon 0000 00:00:00 GMT", kHttpDateSize);
  std::memcpy(out, kDays.data() + std::chrono::weekday(days).c_encoding() * 3, 3);
  PutDigits(out + 5, 2, static_cast<unsigned>(date.day()));
  std::memcpy(out + 8, kMonths.data() + (static_cast<unsigned>(date.month()) - 1) * 3, 3);
  PutDigits(out + 12, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  PutDigits(out + 17, 2, static_cast<unsigned>(clock.hours().count()));
  PutDigits(out + 20, 2, static_cast<unsigned>(clock.minutes().count()));
  PutDigits(out + 23, 2, static_cast<unsigned>(clock.seconds().count()));
}

std::string FormatHttpDate(int64_t unix_seconds) {
  std::string text(kHttpDateSize, '\0');
  FormatHttpDate(unix_seconds, text.data());
  return text;
}

std::optional<int64_t> ParseHttpDate(ByteView text, int64_t now) {
  if (const auto date = ReadByPicture(text, "www, dd ooo YYYY hh:mm:ss GMT"))
    return ToSeconds(*date);
  if (const auto date = ReadByPicture(text, "www ooo _d hh:mm:ss YYYY")) return ToSeconds(*date);
  const size_t comma = text.find(',');
  if (comma == ByteView::npos || comma < 6) return std::nullopt;
  auto date = ReadByPicture(text.substr(comma), ", dd-ooo-YY hh:mm:ss GMT");
  if (!date) return std::nullopt;
  const unsigned this_year = YearOf(now);
  date->year += this_year / 100 * 100;
  if (date->year > this_year + 50) date->year -= 100;
  return ToSeconds(*date);
}

}  // namespace uwsgi
