// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace uwsgi {

// Names in a spool directory (reference 32 section 3):
//   uwsgi_spoolfile_on_<host>_<pid>_<counter>_<rand>_<sec>_<usec>
inline constexpr std::string_view kSpoolPrefix = "uwsgi_spoolfile_on_";
// What is not to be run any more, with the reason beside.
inline constexpr std::string_view kFailedFolder = "failed";
// Ours, and nothing to other servers that drain the directory, which look for the prefix only.
inline constexpr std::string_view kUnfinishedPrefix = ".new_";
inline constexpr std::string_view kAttemptsFolder = ".attempts";
inline constexpr std::string_view kRunningFolder = ".running";
inline constexpr std::string_view kSpareFolder = ".spare";

// A name that no other process of any host gives. Callable from any thread.
std::string NextSpoolName();
// The process that gave the name, when it is one of this host; 0 for others.
pid_t ProducerOf(std::string_view name);
// This process, without a system call each time.
pid_t OwnPid();

// What tasks are sorted by: first the numbered ones by number, then the others by the time at which
// they were made, which their names tell; those of one microsecond by producer and counter. A name
// that somebody else made up sorts as if it were very old, by its text.
struct SpoolOrder {
  explicit SpoolOrder(std::string_view name);
  auto operator<=>(const SpoolOrder&) const = default;

  bool is_named = false;  // false: a number, which goes first
  uint64_t seconds = 0;   // or the number
  uint64_t micros = 0;
  uint64_t pid = 0;
  uint64_t counter = 0;
};

// Whether a file of this name is a task. `numbers`: so are names of digits only (spooler-ordered).
bool IsTaskName(std::string_view name, bool numbers);

// Directories of priorities: numbers first, small to great, then names.
bool PriorityBefore(std::string_view a, std::string_view b);

}  // namespace uwsgi
