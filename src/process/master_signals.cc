// SPDX-License-Identifier: Apache-2.0
#include "process/master_signals.h"

#include <signal.h>

#include "net/signal_source.h"

namespace uwsgi {
namespace {

// SIGTERM stops, with die-on-term or without: what stops every other service must not reload this
// one.
// clang-format off
constexpr MasterSignalRow kMasterSignals[] = {
    // signal name       command
    {SIGHUP,   "SIGHUP",   MasterCommand::kReload},
    {SIGTERM,  "SIGTERM",  MasterCommand::kStop},
    {SIGINT,   "SIGINT",   MasterCommand::kStopPromptly},
    {SIGQUIT,  "SIGQUIT",  MasterCommand::kStopPromptly},
    {SIGUSR1,  "SIGUSR1",  MasterCommand::kDump},
    {SIGCHLD,  "SIGCHLD",  MasterCommand::kReap},
    {SIGUSR2,  "SIGUSR2",  MasterCommand::kIgnore},
    {SIGTSTP,  "SIGTSTP",  MasterCommand::kTogglePause},
    {SIGURG,   "SIGURG",   MasterCommand::kIgnore},
    {SIGWINCH, "SIGWINCH", MasterCommand::kIgnore},
};
// clang-format on

struct QueuedRow {
  int number;
  MasterCommand command;
};
constexpr QueuedRow kQueuedSignals[] = {
    {QueuedSignal(SIGTSTP, kPauseValue), MasterCommand::kPause},
    {QueuedSignal(SIGTSTP, kResumeValue), MasterCommand::kResume},
};

}  // namespace

std::span<const MasterSignalRow> MasterSignals() { return kMasterSignals; }

MasterCommand CommandOf(int signal) {
  for (const MasterSignalRow& row : kMasterSignals) {
    if (row.signal == signal) return row.command;
  }
  for (const QueuedRow& row : kQueuedSignals) {
    if (row.number == signal) return row.command;
  }
  return MasterCommand::kIgnore;
}

}  // namespace uwsgi
