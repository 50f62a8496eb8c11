// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/options.h"
#include "process/vassal_files.h"

namespace uwsgi {

// What the Emperor is told. Times in microseconds.
struct EmperorSpec {
  std::vector<VassalMonitor> monitors;  // none: there is no Emperor
  VassalScan scan;
  int64_t scan_period_us = 0;
  int64_t throttle_us = 0;  // how much longer a vassal that fails waits each time
  int64_t longest_throttle_us = 0;
  bool has_blacklist = true;
  int64_t heartbeat_limit_us =
      0;                      // a vassal that has sent heartbeats and is silent this long is dead
  int64_t stop_mercy_us = 0;  // for a vassal that is told to stop
  bool stops_gracefully = false;
  bool is_tyrant = false;
  std::string title;           // empty: "uWSGI Emperor" where titles are shown
  bool has_own_title = false;  // emperor-procname
  std::string pidfile;
  std::string stats_address;
  std::string stats_origin;
  std::string on_demand_extension;
  std::string on_demand_directory;
  std::string program;  // what vassals run: this one, or emperor-wrapper
  std::string start_hook, stop_hook;
  std::vector<std::string> arguments_before;  // in front of the vassal's file
  std::vector<std::string> arguments_behind;

  [[nodiscard]] bool is_on() const { return !monitors.empty(); }
};

// An error names the option and where it was given. Places are looked up from the current
// directory.
Result<EmperorSpec> PlanEmperor(const Options& options);

}  // namespace uwsgi
