// SPDX-License-Identifier: Apache-2.0
#include "service/alarm_plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "config/fd_value.h"
#include "config/options.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostMules = 255;

struct KindRow {
  std::string_view name;
  AlarmKind kind;
  bool takes_number;
  int64_t least, most;
};
constexpr KindRow kKinds[] = {
    {"log", AlarmKind::kLog, false, 0, 0},
    {"cmd", AlarmKind::kCommand, false, 0, 0},
    {"mule", AlarmKind::kMule, true, 0, kMostMules},
    {"signal", AlarmKind::kSignal, true, 0, 255},
};

// "NAME KIND:ARGUMENT".
Result<AlarmSpec> PlanAlarm(const ListValue& given) {
  const std::string_view text = given.text;
  const size_t blank = text.find(' ');
  const std::string_view what = blank == std::string_view::npos ? "" : Trim(text.substr(blank));
  const size_t colon = std::min(what.find(':'), what.size());
  const auto* const row = std::ranges::find(kKinds, what.substr(0, colon), &KindRow::name);
  if (row == std::end(kKinds)) {
    return Fail(
        "alarm = {}: NAME KIND:ARGUMENT is needed, KIND being log, cmd, mule or signal ({})", text,
        given.origin.text());
  }
  AlarmSpec spec{.name = std::string(text.substr(0, blank)), .kind = row->kind};
  spec.argument = what.substr(std::min(colon + 1, what.size()));
  if (row->takes_number) {
    const auto number = ParseInt(spec.argument);
    if (!number || *number < row->least || *number > row->most)
      return Fail("alarm = {}: {}:N needs a number between {} and {} ({})", text, row->name,
                  row->least, row->most, given.origin.text());
    spec.number = static_cast<int>(*number);
  }
  if (row->kind == AlarmKind::kCommand && spec.argument.empty())
    return Fail("alarm = {}: a command is needed ({})", text, given.origin.text());
  return spec;
}

tl::unexpected<Error> Mistake(const ListValue& given, std::string_view what) {
  return Fail("{} = {}: {} ({})", given.option, given.text, what, given.origin.text());
}

// The places of the alarms in "NAME[,NAME]".
Result<std::vector<size_t>> FindAlarms(const ListValue& given, std::string_view names,
                                       const AlarmsSpec& spec) {
  std::vector<size_t> places;
  for (const std::string_view word : Split(names, ',')) {
    const std::string_view name = Trim(word);
    const auto alarm = std::ranges::find(spec.alarms, name, &AlarmSpec::name);
    if (alarm == spec.alarms.end())
      return Mistake(given, fmt::format("there is no alarm \"{}\"", name));
    places.push_back(static_cast<size_t>(alarm - spec.alarms.begin()));
  }
  return places;
}

// "NAME[,NAME] REST": what is in front of the first blank, and what is behind it.
std::pair<std::string_view, std::string_view> CutAtBlank(std::string_view text) {
  text = Trim(text);
  const size_t blank = std::min(text.find(' '), text.size());
  return {text.substr(0, blank), Trim(text.substr(blank))};
}

// "NAME[,NAME] REGEX".
Status PlanRule(const ListValue& given, bool raises, AlarmsSpec& spec) {
  const auto [names, pattern] = CutAtBlank(given.text);
  if (pattern.empty()) return Mistake(given, "ALARM REGEX is needed");
  if (const auto regex = Regex::Create(pattern); !regex)
    return Mistake(given, regex.error().text());
  for (const size_t alarm : TRY(FindAlarms(given, names, spec)))
    spec.rules.push_back({.alarm = alarm, .pattern = std::string(pattern), .raises = raises});
  return {};
}

// "NAME[,NAME] FD[:BYTES] TEXT".
Status PlanWatchedFd(const ListValue& given, AlarmsSpec& spec) {
  const auto [names, rest] = CutAtBlank(given.text);
  const auto [descriptor, text] = CutAtBlank(rest);
  if (text.empty()) return Mistake(given, "ALARM FD[:BYTES] TEXT is needed");
  if (text.size() > spec.longest_text)
    return Mistake(given, "the text is longer than alarm-msg-size");
  const auto read = ParseFdValue(descriptor);
  if (!read) return Mistake(given, read.error().text());
  spec.fds.push_back({.fd = read->fd,
                      .bytes = read->bytes,
                      .alarms = TRY(FindAlarms(given, names, spec)),
                      .text = std::string(text),
                      .origin = given.origin.text()});
  return {};
}

Result<std::vector<size_t>> PlanOccasion(const ListOption& list, const AlarmsSpec& spec) {
  std::vector<size_t> places;
  for (const ListValue& given : list) {
    const auto found = TRY(FindAlarms(given, given.text, spec));
    places.insert(places.end(), found.begin(), found.end());
  }
  return places;
}

}  // namespace

std::string AlarmKinds() {
  std::string lines;
  for (const KindRow& row : kKinds) fmt::format_to(std::back_inserter(lines), "{}\n", row.name);
  return lines;
}

Result<AlarmsSpec> PlanAlarms(const Options& options) {
  AlarmsSpec spec;
  spec.quiet_s = options.alarm_freq;
  spec.longest_text = static_cast<size_t>(std::clamp<int64_t>(options.alarm_msg_size, 1, 65536));
  spec.has_master = options.master;
  for (const ListValue& given : options.alarm) spec.alarms.push_back(TRY(PlanAlarm(given)));
  for (const ListValue& given : options.log_alarm) TRY_STATUS(PlanRule(given, true, spec));
  for (const ListValue& given : options.not_log_alarm) TRY_STATUS(PlanRule(given, false, spec));
  for (const ListValue& given : options.alarm_fd) TRY_STATUS(PlanWatchedFd(given, spec));
  spec.on_full_queue = TRY(PlanOccasion(options.alarm_backlog, spec));
  spec.on_crash = TRY(PlanOccasion(options.alarm_segfault, spec));
  return spec;
}

}  // namespace uwsgi
