// SPDX-License-Identifier: Apache-2.0
#include "process/master_command.h"

#include <iterator>

namespace uwsgi {

std::string_view NameOf(MasterCommand command) {
  constexpr std::string_view kNames[] = {"do nothing",
                                         "reload",
                                         "reload brutally",
                                         "reload the workers",
                                         "reload the workers brutally",
                                         "reload the workers one after the other",
                                         "reload the mules",
                                         "reload the spoolers",
                                         "stop",
                                         "stop promptly",
                                         "pause or resume",
                                         "pause",
                                         "resume",
                                         "start more workers",
                                         "stop a worker",
                                         "stop all workers",
                                         "reopen the log",
                                         "rotate the log",
                                         "write the pidfiles",
                                         "start a second master",
                                         "dump the counters",
                                         "look for ended children",
                                         "ask an Emperor for reinforcements",
                                         "let an Emperor look at its vassals",
                                         "end for want of work"};
  static_assert(std::size(kNames) == static_cast<size_t>(MasterCommand::kBeIdle) + 1);
  return kNames[static_cast<size_t>(command)];
}

}  // namespace uwsgi
