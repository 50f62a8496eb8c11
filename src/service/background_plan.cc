// SPDX-License-Identifier: Apache-2.0
#include "service/background_plan.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/log.h"
#include "base/strings.h"
#include "config/options.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMostMules = 4096;
constexpr int64_t kLargestMessage = 64 << 20;

// The values of several options in the order of the configuration.
std::vector<ListValue> Merge(std::initializer_list<const ListOption*> lists) {
  std::vector<ListValue> merged;
  for (const ListOption* list : lists) merged.insert(merged.end(), list->begin(), list->end());
  std::ranges::sort(merged, {}, &ListValue::order);
  return merged;
}

tl::unexpected<Error> Wrong(const ListValue& value, std::string_view why) {
  return Fail("{} = {}: {} ({})", value.option, value.text, why, value.origin.text());
}

std::optional<uint8_t> ParseSignal(std::string_view text) {
  const auto number = ParseInt(text);
  if (!number || *number > 255) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

Result<TimerRow> PlanTimer(const ListValue& value) {
  const auto words = SplitWords(value.text);
  const auto signal = words.size() == 2 ? ParseSignal(words[0]) : std::nullopt;
  const auto seconds = words.size() == 2 ? ParseInt(words[1]) : std::nullopt;
  if (!signal || !seconds || *seconds < 1 || *seconds > INT32_MAX)
    return Wrong(value, "SIGNAL SECONDS is expected, a signal being 0 to 255");
  return TimerRow{.signal = *signal, .period_us = *seconds * kSecond};
}

Result<FileSignal> PlanFileSignal(const ListValue& value) {
  // The path may have blanks.
  const std::string_view text = Trim(value.text);
  const size_t blank = text.find_last_of(" \t");
  const auto signal = blank == text.npos ? std::nullopt : ParseSignal(text.substr(blank + 1));
  if (!signal) return Wrong(value, "FILE SIGNAL is expected, a signal being 0 to 255");
  return FileSignal{.path = std::string(Trim(text.substr(0, blank))), .signal = *signal};
}

Result<std::vector<CronJob>> PlanCrons(const Options& options) {
  std::vector<CronJob> jobs;
  for (const ListValue& value : Merge({&options.cron, &options.cron2, &options.unique_cron})) {
    auto job = value.option == "cron2" ? ParseCron2(value.text) : ParseCron(value.text);
    if (!job) return Wrong(value, job.error().text());
    if (job->names_legion) {
      Log("{} = {}: there are no legions, so that the command does not run ({})", value.option,
          value.text, value.origin.text());
      continue;
    }
    if (value.option == "unique-cron") job->unique = true;
    if (job->harakiri_s == 0) job->harakiri_s = options.cron_harakiri;
    jobs.push_back(std::move(*job));
  }
  return jobs;
}

Result<std::vector<std::string>> PlanMulePrograms(const Options& options) {
  std::vector<std::string> programs;
  for (const ListValue& value : Merge({&options.mule, &options.mules})) {
    if (value.option == "mules") {
      const auto count = ParseInt(value.text);
      if (!count || *count > kMostMules)
        return Wrong(value, fmt::format("a number up to {} is expected", kMostMules));
      programs.resize(programs.size() + static_cast<size_t>(*count));
    } else if (const std::string word = ToLower(value.text);
               word.empty() || word == "true" || word == "on" || word == "yes" || word == "1") {
      programs.emplace_back();
    } else if (word != "false" && word != "off" && word != "no" && word != "0") {
      programs.push_back(value.text);
    }
  }
  return programs;
}

Result<Farm> PlanFarm(const ListValue& value, int mules) {
  const size_t colon = value.text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == value.text.size()) {
    return Fail("invalid farm value ({}) must be in the form name:mule[,muleN]. ({})", value.text,
                value.origin.text());
  }
  Farm farm{.name = value.text.substr(0, colon)};
  for (const std::string_view word : Split(std::string_view(value.text).substr(colon + 1), ',')) {
    const auto id = ParseInt(Trim(word));
    if (!id || *id < 1 || *id > mules)
      return Fail("invalid mule id: {} ({} = {}, {})", word, value.option, value.text,
                  value.origin.text());
    farm.mules.push_back(static_cast<int>(*id));
  }
  return farm;
}

Status PlanMules(const Options& options, BackgroundSpec& spec) {
  spec.mule_programs = TRY(PlanMulePrograms(options));
  const int mules = static_cast<int>(spec.mule_programs.size());
  spec.receivers.mules = mules;
  for (const ListValue& value : options.farm)
    spec.receivers.farms.push_back(TRY(PlanFarm(value, mules)));
  if (options.mule_msg_recv_size < 1 || options.mule_msg_recv_size > kLargestMessage) {
    return Fail("mule-msg-recv-size = {}: it must be between 1 and {} ({})",
                options.mule_msg_recv_size, kLargestMessage,
                options.OriginOf("mule-msg-recv-size").text());
  }
  spec.mule_link = {.mules = mules,
                    .farms = spec.receivers.farms,
                    .queue_bytes = options.mule_msg_size,
                    .most_bytes = options.mule_msg_recv_size};
  spec.mule_harakiri_s = options.mule_harakiri;
  spec.mule_mercy_s = options.mule_reload_mercy;
  return {};
}

// compat: without a master all of it is accepted and nothing happens.
void WarnWithoutMaster(const Options& options) {
  if (options.master) return;
  for (const ListValue& value :
       Merge({&options.cron, &options.cron2, &options.unique_cron, &options.mule, &options.mules,
              &options.signal_timer, &options.signal_rbtimer, &options.fs_signal,
              &options.touch_signal})) {
    Log("{} = {}: it needs the master process, add `master = true` ({})", value.option, value.text,
        value.origin.text());
  }
}

}  // namespace

Result<BackgroundSpec> PlanBackground(const Options& options) {
  BackgroundSpec spec;
  spec.receivers.workers = static_cast<int>(options.processes);
  spec.receivers.has_spooler = options.IsSet("spooler");
  spec.signal_queue_bytes = options.signal_bufsize;
  for (const ListValue& value : Merge({&options.signal_timer, &options.signal_rbtimer}))
    spec.timers.push_back(TRY(PlanTimer(value)));
  for (const ListValue& value : Merge({&options.fs_signal, &options.touch_signal}))
    spec.file_signals.push_back(TRY(PlanFileSignal(value)));
  spec.crons = TRY(PlanCrons(options));
  TRY_STATUS(PlanMules(options, spec));
  WarnWithoutMaster(options);
  return spec;
}

}  // namespace uwsgi
