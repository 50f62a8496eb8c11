// SPDX-License-Identifier: Apache-2.0
#include "process/master_signals.h"

#include <signal.h>

namespace uwsgi {
namespace {

// SIGTERM stops, with die-on-term or without: what stops every other service must not reload this
// one.
// clang-format off
constexpr MasterSignalRow kMasterSignals[] = {
    // signal name       action
    {SIGHUP,   "SIGHUP",   MasterAction::kReload},
    {SIGTERM,  "SIGTERM",  MasterAction::kStop},
    {SIGINT,   "SIGINT",   MasterAction::kStopPromptly},
    {SIGQUIT,  "SIGQUIT",  MasterAction::kStopPromptly},
    {SIGUSR1,  "SIGUSR1",  MasterAction::kDump},
    {SIGCHLD,  "SIGCHLD",  MasterAction::kReap},
    {SIGUSR2,  "SIGUSR2",  MasterAction::kIgnore},
    {SIGTSTP,  "SIGTSTP",  MasterAction::kRefusePause},
    {SIGURG,   "SIGURG",   MasterAction::kIgnore},
    {SIGWINCH, "SIGWINCH", MasterAction::kIgnore},
};
// clang-format on

}  // namespace

std::span<const MasterSignalRow> MasterSignals() { return kMasterSignals; }

MasterAction ActionOf(int signal) {
  for (const MasterSignalRow& row : kMasterSignals) {
    if (row.signal == signal) return row.action;
  }
  return MasterAction::kIgnore;
}

}  // namespace uwsgi
