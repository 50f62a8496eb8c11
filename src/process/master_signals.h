// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "process/master_command.h"

namespace uwsgi {

// What the master does when it is signalled.
struct MasterSignalRow {
  int signal;
  std::string_view name;
  MasterCommand command;
};

std::span<const MasterSignalRow> MasterSignals();

// compat: SIGTSTP toggles. Sent with one of these values (sigqueue) it says which of the two is
// meant, so that it may be said twice; a server that does not know the values toggles.
inline constexpr int kPauseValue = 1;
inline constexpr int kResumeValue = 2;

// `signal` as a SignalSource tells it.
MasterCommand CommandOf(int signal);

}  // namespace uwsgi
