// SPDX-License-Identifier: Apache-2.0
#include "service/spooler_plan.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "config/options.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostProcesses = 1024;
constexpr int64_t kMostSeconds = int64_t{1} << 31;

Status RequireWithin(const Options& options, std::string_view name, int64_t value, int64_t least,
                     int64_t most) {
  if (value >= least && value <= most) return {};
  return Fail("{} = {}: it must be between {} and {} ({})", name, value, least, most,
              options.OriginOf(name).text());
}

Result<std::string> Resolve(const ListValue& value) {
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(AbsolutePath(value.text), error);
  if (value.text.empty() || error)
    return Fail("{} = {}: no directory ({})", value.option, value.text, value.origin.text());
  std::string text = path.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Result<std::vector<SpoolDirSpec>> PlanDirectories(const Options& options) {
  std::vector<std::pair<ListValue, bool>> given;
  for (const ListValue& value : options.spooler) given.emplace_back(value, false);
  for (const ListValue& value : options.spooler_external) given.emplace_back(value, true);
  // compat: external ones stand where they were written among the others.
  std::ranges::stable_sort(given, {}, [](const auto& each) { return each.first.order; });
  std::vector<SpoolDirSpec> directories;
  for (const auto& [value, is_external] : given) {
    SpoolDirSpec directory{
        TRY(Resolve(value)), value.text, is_external,
        fmt::format("{} = {} ({})", value.option, value.text, value.origin.text())};
    const bool is_known = std::ranges::any_of(
        directories, [&](const SpoolDirSpec& each) { return each.path == directory.path; });
    if (is_known) {
      return Fail("{} = {}: the directory is given twice ({})", value.option, value.text,
                  value.origin.text());
    }
    directories.push_back(std::move(directory));
  }
  return directories;
}

}  // namespace

Result<SpoolersSpec> PlanSpoolers(const Options& options) {
  TRY_STATUS(
      RequireWithin(options, "spooler-processes", options.spooler_processes, 1, kMostProcesses));
  TRY_STATUS(
      RequireWithin(options, "spooler-frequency", options.spooler_frequency, 1, kMostSeconds));
  TRY_STATUS(RequireWithin(options, "spooler-harakiri", options.spooler_harakiri, 0, kMostSeconds));
  SpoolersSpec spec;
  spec.directories = TRY(PlanDirectories(options));
  spec.processes = static_cast<int>(options.spooler_processes);
  spec.is_ordered = options.spooler_ordered;
  spec.is_quiet = options.spooler_quiet;
  spec.is_durable = options.spooler_durable;
  spec.is_cheap = options.spooler_cheap;
  spec.counts_signals = options.spooler_signal_as_task;
  spec.takes_remote = options.spooler_remote;
  spec.task_directory = options.spooler_chdir;
  spec.max_tasks = options.spooler_max_tasks;
  spec.max_attempts = options.spooler_max_attempts;
  spec.harakiri_us = options.spooler_harakiri * 1'000'000;
  spec.frequency_s = options.spooler_frequency;
  return spec;
}

}  // namespace uwsgi
