// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace uwsgi {

// How processes are named (reference 11 section 1). Without any of it they keep the command line.
struct TitleSpec {
  bool enabled = false;     // auto-procname, or any option below
  std::string name;         // procname: instead of "uWSGI worker 1" and its like
  std::string master_name;  // procname-master
  std::string prefix;       // procname-prefix; procname-prefix-spaced with its blank
  std::string suffix;       // procname-append
};

// The whole title of a process called `name` by default ("uWSGI master", "uWSGI worker 2"); empty
// when titles are off.
std::string ComposeTitle(const TitleSpec& spec, std::string_view name, bool is_master);

// The memory that `ps` shows: the arguments and, behind them, the environment. Once per process
// family, at the start of main: the environment is moved elsewhere first, and so are the arguments,
// which the caller must have copied.
void PrepareTitles(int argc, char** argv);

// Shows `title` instead of the command line, cut to the room there is. Nothing before
// PrepareTitles().
void SetTitle(std::string_view title);

}  // namespace uwsgi
