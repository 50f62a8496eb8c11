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
MasterCommand CommandOf(int signal);

}  // namespace uwsgi
