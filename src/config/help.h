// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "config/options.h"

namespace uwsgi {

// The text of --help: all options by section, or those whose name, help or section contains `word`.
std::string HelpText(std::string_view binary, std::string_view word);

// The text of --show-config: every pair in order, as an ini file.
std::string ShowConfigText(const Options& options);

// The text of --dump-options: every name, one per line.
std::string OptionNamesText();

// The text of --get: the first value of each name asked for, one per line; nothing for names that
// are not set.
std::string GetText(const Options& options);

}  // namespace uwsgi
