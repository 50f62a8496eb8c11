// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "process/master_command.h"

namespace uwsgi {

// What follows when a file has changed.
struct TouchSpec {
  enum class Kind : uint8_t {
    kCommand,  // of the master
    kExec,     // a shell command
    kHook,
  };
  std::string option;
  std::string path;
  Kind kind = Kind::kCommand;
  MasterCommand command = MasterCommand::kIgnore;
  // What the log says is done, behind the path and "has been touched... ".
  std::string consequence;
  std::string shell;
  std::string hook;  // its text, which has been found to be good
};

// A descriptor that reloads the server when it is readable.
struct FdReloadSpec {
  int fd = -1;
  size_t bytes = 1;  // read from it each time
  MasterCommand command = MasterCommand::kReload;
  std::string where;  // the option, for messages
};

}  // namespace uwsgi
