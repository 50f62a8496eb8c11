// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
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
// The same, without making it anything.
Result<UniqueFd> OpenLogTarget(const LogFileSpec& spec);

// Whether it could be opened, without making anything.
Status ProveLogTarget(const std::string& path);

// Descriptors 1 and 2 are this file already, from before a reload; one that is opened in its place
// gets the mode.
void KeepLogFile(const std::string& path, int mode);

// The file that OpenLogFile() has opened, absolute; empty when it has opened none.
const std::string& LogFilePath();

// Without a log process: the file of OpenLogFile() is renamed to its name with the time behind it,
// and opened again by its name, by every process before it writes its next line.
void RotateLogFile();
void ReopenLogFile();

// Gives the log file, which is open by now, to the user and group that the server is going to be.
Status OwnLogFile(const IdentitySpec& identity);

}  // namespace uwsgi
