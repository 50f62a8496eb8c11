// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "service/left_queue.h"

namespace uwsgi {

// A worker that still serves, or finishes its requests, while the master that forked it has become
// a new program; or a helper process.
struct OldChild {
  bool is_worker = true;
  int id = 0;
  pid_t pid = 0;
  bool draining = false;
  int64_t deadline_us = 0;  // monotonic, of draining, or of what a helper does (harakiri)
  int64_t mercy_us = 0;     // of a helper: to finish what it does once it is told to end
};

// A file that `vacuum` removes.
struct MadeFile {
  uint64_t inode = 0;
  std::string path;  // absolute
};

// A fact that a duty of the master leaves to its successor, told apart by its name, a word.
struct Note {
  std::string name;
  std::string text;
  int fd = -1;  // a descriptor that goes along, -1 for none
};

// What a master leaves to the program that takes its place at a graceful reload. It travels as text
// in a memory file, whose descriptor an environment variable names. Paths, names and texts may hold
// any byte but NUL.
struct HandOver {
  int failed_reloads = 0;              // how often that was given up
  int reloads = 1;                     // how often the server has been reloaded, this time included
  int64_t started_on = 0;              // of the first start, seconds since 1970
  std::vector<std::string> listeners;  // as ListenerSet::HandOver made them
  std::string log_file;                // that the log goes to, absolute; empty for none
  std::string jail;                    // that it cannot leave (chroot); empty for none
  uint64_t capabilities = 0;           // beyond those of its user
  std::vector<int> log_outputs;        // 1 and 2 of before the log was captured, or none
  std::vector<pid_t> log_processes;    // are to be reaped
  std::vector<int>
      lifelines;  // write ends of the pipes that tell old workers whether they have a master
  std::vector<int> inlets;        // taking ends of what old workers give away (worker/succession.h)
  std::vector<LeftQueue> queues;  // of messages to mules, and of user signals
  std::vector<OldChild> children;
  std::vector<MadeFile> files;  // of the former configuration; gone if they are not of the new one
  bool brutal = false;          // they get no time for their requests
  std::vector<Note> notes;
};

// A descriptor that a note has brought, and the text of that note.
struct LeftDescriptor {
  UniqueFd fd;
  std::string text;
};
// Those of all notes of a name, which have none afterwards. `state` may be null: nobody has left
// anything.
std::vector<LeftDescriptor> TakeDescriptors(HandOver* state, std::string_view name);
// Of whatever is no longer configured.
void CloseUntakenDescriptors(HandOver* state);

// All that stay open on the way, but the listeners, whose owner sees to them.
std::vector<int> DescriptorsOf(const HandOver& state);

std::string EncodeHandOver(const HandOver& state);
Result<HandOver> DecodeHandOver(std::string_view text);

// How a process was started.
enum class StartKind : uint8_t {
  kFirst,      // by the operator
  kSuccessor,  // by a master that has become this program
  kTrial,  // to find out whether the configuration and the application load; ends without serving
};

// The variables by which a program learns of it; both name a descriptor. They are not options and
// never reach the application.
inline constexpr std::string_view kHandOverVariable = "UWSGI_HANDOVER_FD";
inline constexpr std::string_view kTrialVariable = "UWSGI_TRIAL";

struct StartOrder {
  StartKind kind = StartKind::kFirst;
  std::optional<HandOver> state;  // of a successor; a trial gets the listeners
  UniqueFd trial_log;             // where a trial finds the log of its server
};
// Reads and removes the variables and the memory file. First thing in main, before anything else
// looks at the environment.
Result<StartOrder> TakeStartOrder();

// A memory file with these bytes, at its start.
Result<UniqueFd> MakeMemoryFile(std::string_view bytes);

}  // namespace uwsgi
