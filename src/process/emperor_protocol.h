// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// What an Emperor and its vassals say to each other: single bytes over a socket pair, whose end the
// vassal finds in this variable (reference 11 section 12).
inline constexpr std::string_view kEmperorVariable = "UWSGI_EMPEROR_FD";
// The directory it was found in.
inline constexpr std::string_view kVassalsVariable = "UWSGI_VASSALS_DIR";

enum class EmperorOrder : uint8_t { kStop = 0, kReload = 1, kStopGracefully = 2 };

enum class VassalNews : uint8_t {
  kSpawned = 1,      // the configuration is read, the master runs; or is about to be replaced
  kWantsConfig = 2,  // never said by ours
  kAccepting = 5,    // every worker serves
  kLoyal = 17,       // a request has been served
  kIdle = 22,        // nothing to do: may be stopped
  kHeartbeat = 26,   // all is well
  kWantsReinforcements = 30,
};

// The exit status of a vassal that does not want to be started again.
inline constexpr int kExitExile = 26;

// What a process knows of its Emperor.
struct VassalSpec {
  bool has_emperor = false;
  int fd = -1;  // the channel; -1: in a trial, which has nothing to say
  int64_t heartbeat_us = 0;
};

}  // namespace uwsgi
