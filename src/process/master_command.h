// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// What the master can be told to do, by signals, the FIFO, touched files, applications, the
// emperor.
enum class MasterCommand : uint8_t {
  kIgnore,
  kReload,          // prove the configuration, become its program, replace the workers
  kReloadBrutally,  // the same, old workers get no time for their requests
  kReloadWorkers,   // replace all workers, the program stays
  kReloadWorkersBrutally,
  kChainReload,  // replace the workers one after the other
  kReloadMules,
  kReloadSpoolers,
  kStop,          // let requests finish within worker-reload-mercy; again: at once
  kStopPromptly,  // let them finish within reload-mercy (5 s); again: at once
  kTogglePause,
  kPause,
  kResume,
  kMoreWorkers,
  kFewerWorkers,
  kGoCheap,
  kReopenLog,
  kRotateLog,
  kWritePidfiles,
  kForkMaster,
  kDump,         // configuration and counters to the log
  kReap,         // a child has ended
  kReinforce,    // ask the Emperor for reinforcements
  kScanVassals,  // let our Emperor look at its vassals
  kBeIdle,       // die-on-idle: nothing has been asked for a long time
};
std::string_view NameOf(MasterCommand command);

}  // namespace uwsgi
