// SPDX-License-Identifier: Apache-2.0
#include "process/hand_over.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "base/strings.h"

namespace uwsgi {
namespace {

// The text, a fact in each line, in which NUL stands for a line end:
//   uwsgi-handover 1
//   reloads N
//   failed N
//   started SECONDS
//   brutal                          (old children get no time for their requests)
//   lifeline FD
//   inlet FD
//   log-file PATH
//   jail PATH
//   capabilities SET
//   mule-queue TAKING GIVING NAME   (of messages to mules, and of user signals)
//   log-output FD
//   log-process PID
//   worker ID PID DRAINING DEADLINE
//   helper ID PID DRAINING DEADLINE MERCY
//   file INODE PATH
//   note NAME TEXT
//   note-fd FD NAME TEXT
//   listener FD SOURCE ADDRESS      (as ListenerSet::HandOver makes it)
constexpr std::string_view kMagic = "uwsgi-handover 1";

void AddLine(std::string& text, std::string line) {
  std::ranges::replace(line, '\n', '\0');
  text.append(line).push_back('\n');
}

std::string OfLine(std::string_view line) {
  std::string fact(line);
  std::ranges::replace(fact, '\0', '\n');
  return fact;
}

Result<int64_t> Number(std::string_view text) {
  const auto number = ParseInt(text);
  if (!number) return Fail("{} is no number", text);
  return *number;
}

Result<OldChild> DecodeChild(std::string_view facts, bool is_worker) {
  const auto words = SplitWords(facts);
  const size_t wanted = is_worker ? 4 : 5;
  if (words.size() != wanted) return Fail("a child has {} facts, not {}", wanted, words.size());
  OldChild child;
  child.is_worker = is_worker;
  child.id = static_cast<int>(TRY(Number(words[0])));
  child.pid = static_cast<pid_t>(TRY(Number(words[1])));
  child.draining = TRY(Number(words[2])) != 0;
  child.deadline_us = TRY(Number(words[3]));
  if (!is_worker) child.mercy_us = TRY(Number(words[4]));
  if (child.pid <= 1) return Fail("{} is no child's pid", child.pid);
  return child;
}

// "TAKING GIVING NAME".
Result<LeftQueue> DecodeQueue(std::string_view text) {
  const size_t first = std::min(text.find(' '), text.size());
  const size_t second = std::min(text.find(' ', first + 1), text.size());
  if (second == text.size()) return Fail("a queue has no name: {}", text);
  LeftQueue queue{.name = std::string(text.substr(second + 1))};
  queue.taking = static_cast<int>(TRY(Number(text.substr(0, first))));
  queue.giving = static_cast<int>(TRY(Number(text.substr(first + 1, second - first - 1))));
  return queue;
}

// NAME TEXT
Note DecodeNote(std::string_view text, int fd = -1) {
  const size_t end = std::min(text.find(' '), text.size());
  return {std::string(text.substr(0, end)),
          std::string(text.substr(std::min(end + 1, text.size()))), fd};
}

Status DecodeLine(HandOver& state, std::string_view line) {
  const size_t blank = line.find(' ');
  const std::string_view name = line.substr(0, blank);
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  if (name == "reloads") {
    state.reloads = static_cast<int>(TRY(Number(rest)));
  } else if (name == "failed") {
    state.failed_reloads = static_cast<int>(TRY(Number(rest)));
  } else if (name == "started") {
    state.started_on = TRY(Number(rest));
  } else if (name == "brutal") {
    state.brutal = true;
  } else if (name == "lifeline") {
    state.lifelines.push_back(static_cast<int>(TRY(Number(rest))));
  } else if (name == "inlet") {
    state.inlets.push_back(static_cast<int>(TRY(Number(rest))));
  } else if (name == "log-file") {
    state.log_file = rest;
  } else if (name == "jail") {
    state.jail = rest;
  } else if (name == "capabilities") {
    state.capabilities = static_cast<uint64_t>(TRY(Number(rest)));
  } else if (name == "mule-queue") {
    state.queues.push_back(TRY(DecodeQueue(rest)));
  } else if (name == "log-output") {
    state.log_outputs.push_back(static_cast<int>(TRY(Number(rest))));
  } else if (name == "log-process") {
    state.log_processes.push_back(static_cast<pid_t>(TRY(Number(rest))));
  } else if (name == "worker" || name == "helper") {
    state.children.push_back(TRY(DecodeChild(rest, name == "worker")));
  } else if (name == "file") {
    const size_t end = std::min(rest.find(' '), rest.size());
    state.files.push_back({static_cast<uint64_t>(TRY(Number(rest.substr(0, end)))),
                           std::string(rest.substr(std::min(end + 1, rest.size())))});
  } else if (name == "note") {
    state.notes.push_back(DecodeNote(rest));
  } else if (name == "note-fd") {
    const size_t end = std::min(rest.find(' '), rest.size());
    const auto fd = static_cast<int>(TRY(Number(rest.substr(0, end))));
    state.notes.push_back(DecodeNote(rest.substr(std::min(end + 1, rest.size())), fd));
  } else if (name == "listener") {
    state.listeners.emplace_back(rest);
  }
  // What another version adds is none of our business.
  return {};
}

}  // namespace

std::vector<LeftDescriptor> TakeDescriptors(HandOver* state, std::string_view name) {
  std::vector<LeftDescriptor> left;
  if (state == nullptr) return left;
  for (Note& note : state->notes) {
    if (note.fd < 0 || note.name != name) continue;
    left.push_back({UniqueFd(std::exchange(note.fd, -1)), note.text});
  }
  return left;
}

void CloseUntakenDescriptors(HandOver* state) {
  if (state == nullptr) return;
  for (Note& note : state->notes) UniqueFd(std::exchange(note.fd, -1)).Reset();
}

std::vector<int> DescriptorsOf(const HandOver& state) {
  std::vector<int> fds = state.lifelines;
  fds.insert(fds.end(), state.inlets.begin(), state.inlets.end());
  for (const LeftQueue& queue : state.queues) {
    fds.push_back(queue.taking);
    fds.push_back(queue.giving);
  }
  fds.insert(fds.end(), state.log_outputs.begin(), state.log_outputs.end());
  for (const Note& note : state.notes) {
    if (note.fd >= 0) fds.push_back(note.fd);
  }
  return fds;
}

std::string EncodeHandOver(const HandOver& state) {
  std::string text(kMagic);
  text += fmt::format("\nreloads {}\nfailed {}\nstarted {}\n", state.reloads, state.failed_reloads,
                      state.started_on);
  if (state.brutal) text += "brutal\n";
  for (const int fd : state.lifelines) AddLine(text, fmt::format("lifeline {}", fd));
  for (const int fd : state.inlets) AddLine(text, fmt::format("inlet {}", fd));
  if (!state.log_file.empty()) AddLine(text, "log-file " + state.log_file);
  if (!state.jail.empty()) AddLine(text, "jail " + state.jail);
  if (state.capabilities != 0) AddLine(text, fmt::format("capabilities {}", state.capabilities));
  for (const LeftQueue& queue : state.queues)
    AddLine(text, fmt::format("mule-queue {} {} {}", queue.taking, queue.giving, queue.name));
  for (const int fd : state.log_outputs) AddLine(text, fmt::format("log-output {}", fd));
  for (const pid_t pid : state.log_processes) AddLine(text, fmt::format("log-process {}", pid));
  for (const OldChild& child : state.children) {
    std::string line = fmt::format("{} {} {} {} {}", child.is_worker ? "worker" : "helper",
                                   child.id, child.pid, child.draining ? 1 : 0, child.deadline_us);
    if (!child.is_worker) line += fmt::format(" {}", child.mercy_us);
    AddLine(text, std::move(line));
  }
  for (const MadeFile& file : state.files)
    AddLine(text, fmt::format("file {} {}", file.inode, file.path));
  for (const Note& note : state.notes) {
    const std::string kind = note.fd < 0 ? "note" : fmt::format("note-fd {}", note.fd);
    AddLine(text, fmt::format("{} {} {}", kind, note.name, note.text));
  }
  for (const std::string& listener : state.listeners) AddLine(text, "listener " + listener);
  return text;
}

Result<HandOver> DecodeHandOver(std::string_view text) {
  const auto lines = Split(text, '\n');
  if (lines.front() != kMagic) return Fail("this is no state of a uWSGI master");
  HandOver state;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    auto decoded = DecodeLine(state, OfLine(lines[i]));
    if (!decoded)
      return WithContext(fmt::format("state of the former master, line {}", i + 1),
                         decoded.error());
  }
  return state;
}

Result<StartOrder> TakeStartOrder() {
  StartOrder order;
  const std::string handover_name(kHandOverVariable);
  const std::string trial_name(kTrialVariable);
  const char* const fd_text = std::getenv(handover_name.c_str());
  const char* const log_text = std::getenv(trial_name.c_str());
  if (fd_text != nullptr) {
    UniqueFd file(static_cast<int>(TRY(Number(fd_text))));
    const std::string text = TRY(ReadAll(file.get()));
    order.state = TRY(DecodeHandOver(text));
    order.kind = StartKind::kSuccessor;
  }
  if (log_text != nullptr) {
    order.kind = StartKind::kTrial;
    order.trial_log.Reset(static_cast<int>(TRY(Number(log_text))));
    TRY_STATUS(SetCloseOnExec(order.trial_log.get(), true));
  }
  // A trial has only heard of them.
  if (order.kind == StartKind::kSuccessor) {
    for (const int fd : DescriptorsOf(*order.state)) TRY_STATUS(SetCloseOnExec(fd, true));
  }
  ::unsetenv(handover_name.c_str());
  ::unsetenv(trial_name.c_str());
  return order;
}

Result<UniqueFd> MakeMemoryFile(std::string_view bytes) {
  UniqueFd file(::memfd_create("uwsgi-handover", MFD_CLOEXEC));
  if (!file.valid()) return ErrnoError("memfd_create()", errno);
  TRY_STATUS(WriteAll(file.get(), bytes));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return ErrnoError("lseek()", errno);
  return file;
}

}  // namespace uwsgi
