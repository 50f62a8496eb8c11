// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "net/event_loop.h"
#include "process/vassal_files.h"

namespace uwsgi {

enum class VassalState : uint8_t {
  kWaiting,   // on demand: nobody has connected yet, there is no process
  kRunning,   // has a process
  kStopping,  // was told to stop, its file is gone or the Emperor ends
  kIdle,      // was told to stop, it will be waiting again
};
std::string_view NameOf(VassalState state);

// One server of an Emperor. Times that are shown are seconds since 1970, 0 for never.
struct Vassal {
  VassalFile file;  // as it was when the vassal was started or reloaded last
  VassalState state = VassalState::kRunning;
  pid_t pid = 0;
  UniqueFd channel;  // to the vassal
  WatchId channel_watch = 0;
  std::string on_demand;  // address of the socket it is started by
  UniqueFd socket;
  WatchId socket_watch = 0;
  bool is_listening = false;  // it has come so far as to hear orders
  bool is_ready = false;
  bool is_accepting = false;
  bool has_accepted = false;  // since its process was started, before a reload perhaps
  bool is_loyal = false;
  bool is_cursed = false;
  int64_t born = 0, first_run = 0, last_run = 0;
  int64_t last_ready = 0, last_accepting = 0, last_loyal = 0, last_heartbeat = 0;
  int64_t heartbeat_us = 0;  // monotonic, of the last one; 0: none is due
  int64_t deadline_us = 0;   // monotonic, of stopping; 0: none
  int64_t respawns = 0;

  [[nodiscard]] bool has_process() const { return pid != 0; }
  [[nodiscard]] bool is_told_to_stop() const {
    return state == VassalState::kStopping || state == VassalState::kIdle;
  }
};

}  // namespace uwsgi
