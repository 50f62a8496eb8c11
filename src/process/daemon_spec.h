// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// A program that the master runs beside the workers (reference 11 section 11).
struct DaemonSpec {
  std::string command;  // for /bin/sh
  // The daemon is the process in this file: it is started only when that does not live, and it
  // survives a stop and a reload of the server. Empty: it is a child of the master, and ends with
  // it.
  std::string pidfile;
  bool daemonize = false;  // we put it into the background and write its pidfile; else it does both
  bool control = false;    // the server stops when it ends
  int64_t freq_s = 10;     // how long a program may take to write its pidfile
  int stop_signal = SIGTERM;
  int reload_signal = 0;           // sent at a reload instead of a restart; 0: it is restarted
  std::vector<std::string> touch;  // files whose change restarts it
  bool keep_stdin = false;         // else its standard input is /dev/null
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::string directory;
  int64_t max_throttle_s = 300;  // longest pause before it is started again
  bool new_pid_namespace = false;

  [[nodiscard]] bool is_smart() const { return !pidfile.empty(); }
};

// The value of attach-daemon2: `key=value,...`. A comma in a value is written `\,`.
Result<DaemonSpec> ParseDaemon(std::string_view text);

// The values of smart-attach-daemon and smart-attach-daemon2: `PIDFILE[,FREQ] COMMAND`.
Result<DaemonSpec> ParseSmartDaemon(std::string_view text);

// An attached daemon of the program before a reload, and the text by which the next one learns of
// it.
struct OldDaemon {
  pid_t pid = 0;
  bool stays = false;  // it has been told of the reload; else it is to be replaced
  std::string command;
};
std::string EncodeOldDaemon(const OldDaemon& daemon);
Result<OldDaemon> DecodeOldDaemon(std::string_view text);

// A daemon that ends sooner than this after its start is given a pause before the next one.
inline constexpr int64_t kDaemonYoungUs = 3'000'000;

// The pause in seconds before the next start, when the last `early_ends` starts in a row ended so
// early: growing, at most `most_s`.
int64_t DaemonPauseAfter(int early_ends, int64_t most_s);

}  // namespace uwsgi
