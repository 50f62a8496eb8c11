// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/log_output.h"
#include "base/unique_fd.h"
#include "net/mailbox.h"
#include "process/privileges.h"
#include "service/alarm.h"
#include "service/log_hub.h"
#include "service/log_spec.h"

namespace uwsgi {

// What the process that writes the log works with.
struct LogProcessParts {
  const LogSpec* spec = nullptr;
  const IdentitySpec* identity = nullptr;  // whom it becomes; null: it stays who it is
  LogCounters* counters = nullptr;
  const Alarms* alarms = nullptr;  // that lines raise; null: none
  std::string token;
  LogHub::MainLog main_log;
  Mailbox orders;     // LogOrder
  UniqueFd lifeline;  // at its end when the parent is gone, or has become another program
};

// What the parent says, a message each.
enum class LogOrder : char {
  kSource = 's',  // "NAME\0WORKER\0PID" and the read end of the pipe of that process
  kMain = 'm',    // "MODE\0PATH" and the descriptor where the log goes from now on
  kRotate = 'r',
  kReopen = 'o',
  kEnd = 'e',  // write what is there, and end
};

// What the process says when it works; before that, why it cannot.
constexpr char kLogProcessReady = '\n';

// The log process. It reads from the pipes of all others, always, and never waits for whom it
// writes to. It ends when it is told to, or when it has no parent any more and nobody is left who
// could say something.
int LogProcessMain(LogProcessParts parts, UniqueFd reports);

}  // namespace uwsgi
