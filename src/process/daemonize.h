// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace uwsgi {

// The daemon's line to the process that the operator started and that waits in the terminal.
// Without a daemon all of it does nothing.
class LaunchReport {
 public:
  LaunchReport() = default;
  explicit LaunchReport(UniqueFd pipe) : pipe_(std::move(pipe)) {}

  // The server serves: the waiting process ends with 0.
  void Ready();
  // The server ends: the waiting process shows the error and ends with its exit code.
  void Failed(const Error& error);

 private:
  UniqueFd pipe_;
};

// What Daemonize() leads to, in each of the two processes that go on.
struct Launch {
  std::optional<int>
      exit_status;  // of the process that the operator started; nothing else is to be done there
  LaunchReport report;  // in the daemon
};

// Goes to the background. The first process waits until the daemon is ready or has failed, so its
// exit status tells how the start went, and the terminal shows why it failed; `log` is named where
// there is more to read.
Result<Launch> Daemonize(const std::string& log);

// Standard input of a daemon: /dev/null.
Status CloseStandardInput();

// The two ends of what is said, for tests: the text of a report, and what to show and to end with.
std::string EncodeLaunchFailure(const Error& error);
struct LaunchOutcome {
  int exit_status = 0;
  std::string message;
};
LaunchOutcome DecodeLaunchReport(const std::string& bytes, const std::string& log);

}  // namespace uwsgi
