// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/options.h"

namespace uwsgi {

// Everything the configuration is made of.
struct LoadRequest {
  std::vector<std::string> argv;         // the program's name first
  std::vector<std::string> environment;  // "NAME=value"
  bool is_reload =
      false;  // this start replaces a running server; UWSGI_RELOADS in the environment says so too
};

// The request of this process: its arguments and its environment.
LoadRequest RequestOfThisProcess(int argc, char** argv);

// Reads environment, command line and files, in this order of precedence: the environment first,
// then dashed options from left to right (a file's lines stand where its option stands), then files
// named without an option. The last one given wins. Announces files and warns through the log. An
// error names option, file and line. When `help` or `exit` is met, reading ends there and the rest
// is not looked at.
Result<Options> LoadOptions(const LoadRequest& request);

// The same; an error leaves what was read before it, in `options.settings` at least.
struct LoadOutcome {
  Options options;
  Status done;
};
LoadOutcome LoadAsFarAsPossible(const LoadRequest& request);

}  // namespace uwsgi
