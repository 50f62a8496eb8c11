// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "service/cron.h"
#include "service/mule_link.h"
#include "service/signal_target.h"
#include "service/signal_triggers.h"

namespace uwsgi {

struct Options;

// A user signal that a file raises when it changes.
struct FileSignal {
  std::string path;
  uint8_t signal = 0;
};

// What happens beside requests, as the configuration says it.
struct BackgroundSpec {
  SignalReceivers receivers;
  int64_t signal_queue_bytes = 0;
  std::vector<TimerRow> timers;
  std::vector<FileSignal> file_signals;
  std::vector<CronJob> crons;
  // One for each mule: empty, a file to be run, or module:callable.
  std::vector<std::string> mule_programs;
  MuleLinkSpec mule_link;
  int64_t mule_harakiri_s = 0;
  int64_t mule_mercy_s = 60;
};

// Errors name the option and where it was given.
Result<BackgroundSpec> PlanBackground(const Options& options);

}  // namespace uwsgi
