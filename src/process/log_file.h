// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "process/privileges.h"

namespace uwsgi {

// The file that takes the place of standard output and error.
struct LogFileSpec {
  std::string path;  // empty: the log goes where standard error goes
  bool truncate = false;
  int mode = -1;  // logfile-chmod; -1 leaves 0640 of a new file
};

// Opens the file for appending (a new one has mode 0640) and makes it descriptors 1 and 2.
Status OpenLogFile(const LogFileSpec& spec);

// Gives the log file, which is open by now, to the user and group that the server is going to be.
Status OwnLogFile(const IdentitySpec& identity);

}  // namespace uwsgi
