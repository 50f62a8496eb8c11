// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// One dashed option as it was given; a shortened name or a letter is written out.
struct DashedOption {
  std::string name;
  std::string value;
  bool has_value = false;
};

struct CommandLine {
  std::vector<DashedOption> options;    // from left to right
  std::vector<std::string> positional;  // words without a dash, wherever they stood
};

// Splits the arguments (without the program's name) as getopt_long does: `--name value`,
// `--name=value`, names shortened as long as only one option begins so, `-p 4`, `-p4`, flags in one
// word `-ML`, optional values with `=` only, `--` ends the options. Beyond it, flags take `=false`.
// An unknown option is an error with a suggestion.
Result<CommandLine> ParseCommandLine(std::span<const std::string> arguments);

}  // namespace uwsgi
