// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// The pid in the text of a pidfile: one whole number above 1, blanks around it allowed. Anything
// else is an error, as kill(0) and kill(-1) would reach processes that nobody meant.
Result<pid_t> ParsePid(std::string_view text);

// The pid in a pidfile; an error when the file cannot be read, holds no pid, or no such process
// lives.
Result<pid_t> ReadPidfile(const std::string& path);

// Writes our own pid, mode 0644. Says so in the log.
Status WritePidfile(const std::string& path);

// Removes a pidfile if it still holds `pid`; whether it was removed.
bool RemovePidfile(const std::string& path, pid_t pid);

// A start that wrote our pid over that of `former` has failed: when the file still holds ours and
// `former` still lives, the file names it again; else it is removed.
void GiveBackPidfile(const std::string& path, pid_t former);

// What `--stop FILE` and its like do: sends `signal` to the process in the file, with a value when
// that is not 0: then after the process has taken those before it, or after 10 seconds.
Status SignalPidfile(const std::string& path, int signal, int value = 0);

}  // namespace uwsgi
