// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace uwsgi::top {

// What the command line asks for.
struct TopOptions {
  enum class Mode : uint8_t { kScreen, kOnceTable, kOnceJson, kHelp, kVersion };
  Mode mode = Mode::kScreen;
  std::string address;
  double frequency = 1;  // seconds between two questions
  double timeout = 5;    // seconds for an answer
};

// Reads the arguments behind the program's name. The error is a message for the operator.
Result<TopOptions> ParseTopOptions(std::span<const char* const> arguments);

std::string_view TopHelp();

}  // namespace uwsgi::top
