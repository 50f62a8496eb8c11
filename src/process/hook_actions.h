// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "process/fork.h"

namespace uwsgi {

// Whom hooks of an Emperor are about.
struct HookedVassal {
  std::string name;
  pid_t pid = 0;  // 0 in the vassal itself
  uid_t uid = 0;  // the owner of its configuration
  gid_t gid = 0;
};

// What hook actions need of the server beyond the process itself; an empty function means that this
// process has no such thing (yet), and the action fails.
struct HookServices {
  UniqueFunction<Status(std::string_view alarm, std::string_view text)> raise_alarm;
  // A function by its name ("sum", "sum@server:port") with these arguments; waits no longer than
  // this for another server.
  UniqueFunction<Result<std::string>(const std::string& function, std::vector<std::string> args,
                                     int64_t seconds)>
      call_rpc;
  // Runs a shell command. Empty: it is run and waited for.
  UniqueFunction<Status(const std::string& command)> run_command;
  std::optional<HookedVassal> vassal;
  // How long an action may wait for somebody else. A process that looks after others has less time.
  int64_t patience_s = kFullPatienceS;
  bool is_trial = false;  // of a reload

  static constexpr int64_t kFullPatienceS = 60;
  static constexpr int64_t kMasterPatienceS = 3;
};

// What an action leaves, which decides who does it at a reload: the trial, the program that follows
// it, or both.
enum class HookEffect : uint8_t {
  kProcess,  // changes nothing but its process: both do it
  kOutside,  // stays when the process ends: the trial does it, and it is not done again
  kServer,   // makes sense in a server only, so it is not tried
};

// A kind of action: `name:argument` in the configuration.
struct HookActionRow {
  std::string_view name;
  // What the argument must look like, for messages; the number of its words in angle brackets is
  // what must be there, the last one takes the rest.
  std::string_view syntax;
  HookEffect effect;
  bool may_wait;  // for somebody else
  Status (*run)(const std::string& argument, HookServices& services);
};
// Null when there is no such action.
const HookActionRow* FindHookAction(std::string_view name);

// How many words the syntax asks for.
size_t WordsOf(std::string_view syntax);
// The words of an argument, the last of `count` taking the rest of the text; fewer when there are
// not as many.
std::vector<std::string> SplitArgument(std::string_view argument, size_t count);

// The program that runs a command with /bin/sh, in the environment of this process.
ProgramSpec ShellProgram(const std::string& command);
// How a command ended that did not end with 0, for the log.
std::string CommandFailed(const std::string& command, int wait_status);
// Runs a command with /bin/sh and waits for its end; an error unless it ends with 0.
Status RunShell(const std::string& command);

}  // namespace uwsgi
