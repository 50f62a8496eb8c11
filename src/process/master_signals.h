// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace uwsgi {

// What the master does when it is signalled.
enum class MasterAction : uint8_t {
  kReload,        // prove the configuration, become its program, replace the workers
  kStop,          // let requests finish within worker-reload-mercy; again: at once
  kStopPromptly,  // let them finish within reload-mercy (5 s); again: at once
  kDump,          // counters to the log
  kReap,          // a child has ended
  kRefusePause,   // say that it cannot be done
  kIgnore,
};

struct MasterSignalRow {
  int signal;
  std::string_view name;
  MasterAction action;
};

std::span<const MasterSignalRow> MasterSignals();
MasterAction ActionOf(int signal);

}  // namespace uwsgi
