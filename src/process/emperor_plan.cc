// SPDX-License-Identifier: Apache-2.0
#include "process/emperor_plan.h"

#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "process/banner.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMillisecond = 1'000;

Result<std::vector<VassalMonitor>> PlanMonitors(const Options& options) {
  std::vector<VassalMonitor> monitors;
  for (const ListValue& given : options.emperor) {
    auto monitor = ParseVassalMonitor(given.text);
    if (!monitor) {
      return WithContext(
          "emperor", Error{fmt::format("{} ({})", monitor.error().text(), given.origin.text())});
    }
    monitor->origin = given.origin.text();
    monitors.push_back(std::move(*monitor));
  }
  return monitors;
}

// Vassals run elsewhere, so the files that all of them read need their whole path.
void AddFiles(std::vector<std::string>& arguments, std::string_view option,
              const ListOption& files) {
  for (const ListValue& file : files) {
    arguments.emplace_back(option);
    arguments.push_back(AbsolutePath(file.text));
  }
}

void PlanArguments(const Options& options, EmperorSpec& spec) {
  for (const ListValue& setting : options.vassals_set) {
    spec.arguments_before.emplace_back("--set");
    spec.arguments_before.push_back(setting.text);
  }
  AddFiles(spec.arguments_before, "--inherit", options.vassals_inherit_before);
  AddFiles(spec.arguments_before, "--include", options.vassals_include_before);
  AddFiles(spec.arguments_behind, "--inherit", options.vassals_inherit);
  AddFiles(spec.arguments_behind, "--include", options.vassals_include);
}

Status CheckTyrant(const Options& options) {
  if (!options.emperor_tyrant && !options.emperor_tyrant_nofollow) return {};
  if (::geteuid() == 0 && options.uid.empty()) return {};
  return Fail(
      "emperor-tyrant makes vassals other users, which only root can ({})",
      options.OriginOf(options.emperor_tyrant ? "emperor-tyrant" : "emperor-tyrant-nofollow")
          .text());
}

}  // namespace

Result<EmperorSpec> PlanEmperor(const Options& options) {
  EmperorSpec spec;
  spec.monitors = TRY(PlanMonitors(options));
  if (!spec.is_on()) return spec;
  TRY_STATUS(CheckTyrant(options));
  for (const ListValue& extension : options.emperor_extra_extension) {
    spec.scan.extra_extensions.push_back(extension.text);
  }
  spec.scan.follow_links = !options.emperor_nofollow && !options.emperor_tyrant_nofollow;
  spec.scan_period_us = std::max<int64_t>(options.emperor_freq, 1) * kSecond;
  spec.throttle_us = options.emperor_throttle * kMillisecond;
  spec.longest_throttle_us = options.emperor_max_throttle * kSecond;
  spec.has_blacklist = !options.emperor_no_blacklist;
  spec.heartbeat_limit_us = options.emperor_required_heartbeat * kSecond;
  spec.stop_mercy_us = options.emperor_curse_tolerance * kSecond;
  spec.stops_gracefully = options.emperor_graceful_shutdown;
  spec.is_tyrant = options.emperor_tyrant || options.emperor_tyrant_nofollow;
  spec.has_own_title = !options.emperor_procname.empty();
  spec.title = options.emperor_procname;
  spec.pidfile = options.emperor_pidfile;
  spec.stats_address = options.emperor_stats;
  spec.stats_origin = options.OriginOf("emperor-stats").text();
  spec.on_demand_extension = options.emperor_on_demand_extension;
  if (!options.emperor_on_demand_directory.empty()) {
    spec.on_demand_directory = AbsolutePath(options.emperor_on_demand_directory);
  }
  spec.program = !options.emperor_wrapper.empty() ? options.emperor_wrapper
                 : !options.binary_path.empty()   ? options.binary_path
                                                  : BinaryPath();
  spec.start_hook = options.vassals_start_hook;
  spec.stop_hook = options.vassals_stop_hook;
  PlanArguments(options, spec);
  return spec;
}

}  // namespace uwsgi
