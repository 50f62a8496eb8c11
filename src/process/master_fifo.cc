// SPDX-License-Identifier: Apache-2.0
#include "process/master_fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/log.h"
#include "process/hand_over.h"
#include "process/messages.h"

namespace uwsgi {
namespace {

// clang-format off
constexpr FifoKey kKeys[] = {
    {'+', MasterCommand::kMoreWorkers,           "one worker more"},
    {'-', MasterCommand::kFewerWorkers,          "one worker fewer"},
    {'B', MasterCommand::kReinforce,             "ask the Emperor for reinforcements"},
    {'c', MasterCommand::kChainReload,           "chain reload"},
    {'C', MasterCommand::kGoCheap,               "stop all workers until a connection comes"},
    {'E', MasterCommand::kScanVassals,           "let the Emperor look at its vassals"},
    {'f', MasterCommand::kForkMaster,            "start a second master"},
    {'l', MasterCommand::kReopenLog,             "reopen the log file"},
    {'L', MasterCommand::kRotateLog,             "rotate the log file"},
    {'p', MasterCommand::kTogglePause,           "pause, or resume"},
    {'P', MasterCommand::kWritePidfiles,         "write the pidfiles again"},
    {'q', MasterCommand::kStop,                  "stop gracefully"},
    {'Q', MasterCommand::kStopPromptly,          "stop promptly"},
    {'r', MasterCommand::kReload,                "reload gracefully"},
    {'R', MasterCommand::kReloadBrutally,        "reload at once"},
    {'s', MasterCommand::kDump,                  "configuration and counters to the log"},
    {'w', MasterCommand::kReloadWorkers,         "replace the workers gracefully"},
    {'W', MasterCommand::kReloadWorkersBrutally, "replace the workers at once"},
};
// clang-format on

constexpr std::string_view kNote = "fifo";

// The pipe is still the one at this path, and of the user that makes them now.
bool IsOurs(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && IsSameFile(open, named) &&
         S_ISFIFO(open.st_mode) && open.st_uid == ::geteuid();
}

}  // namespace

MasterCommand FifoCommandOf(char key) {
  const auto* const found = std::ranges::find(kKeys, key, &FifoKey::key);
  return found == std::end(kKeys) ? MasterCommand::kIgnore : found->command;
}

std::vector<FifoKey> FifoKeys() { return {std::begin(kKeys), std::end(kKeys)}; }

FifoDuty::FifoDuty(std::vector<std::string> paths, bool vacuum)
    : paths_(std::move(paths)), vacuum_(vacuum) {
  // What is relative is so to the directory of now, whatever the master does later.
  for (std::string& path : paths_) path = AbsolutePath(path);
}

Status FifoDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  return Inherit() ? Watch(slot_) : Open(0);
}

// Keys are written at any time, also while one program takes the place of another: they wait in the
// pipe, which stays open and where it is.
void FifoDuty::LeaveNotes(HandOver& state) {
  if (fifo_.valid()) state.notes.push_back({std::string(kNote), paths_[slot_], fifo_.get()});
}

bool FifoDuty::Inherit() {
  for (LeftDescriptor& left : TakeDescriptors(desk_->predecessor(), kNote)) {
    const auto path = std::ranges::find(paths_, left.text);
    if (path == paths_.end() || !IsOurs(left.fd.get(), *path)) continue;
    fifo_ = std::move(left.fd);
    slot_ = static_cast<size_t>(path - paths_.begin());
    return true;
  }
  return false;
}

Status FifoDuty::Open(size_t slot) {
  const std::string& path = paths_[slot];
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoError("master-fifo: unlink " + path, errno);
  }
  const mode_t mask = ::umask(0);
  const int made = ::mkfifo(path.c_str(), 0600);
  const int error = errno;
  ::umask(mask);
  if (made != 0) return ErrnoError("master-fifo: mkfifo " + path, error);
  // Open for writing too, so that it is not at its end whenever a writer closes.
  fifo_ = TRY(OpenFile(path, O_RDWR | O_NONBLOCK));
  return Watch(slot);
}

Status FifoDuty::Watch(size_t slot) {
  watch_ = TRY(desk_->loop().Watch(fifo_.get(), kReadable, [this](uint32_t) { ReadKeys(); }));
  slot_ = slot;
  return {};
}

void FifoDuty::Close() {
  desk_->loop().Unwatch(std::exchange(watch_, 0));
  fifo_.Reset();
}

void FifoDuty::ReadKeys() {
  char keys[64];
  const ssize_t got = ::read(fifo_.get(), keys, sizeof keys);
  if (got <= 0) return;
  for (const char key : std::string_view(keys, static_cast<size_t>(got))) {
    if (key >= '0' && key <= '9') {
      Choose(static_cast<size_t>(key - '0'));
      continue;
    }
    const MasterCommand command = FifoCommandOf(key);
    if (command == MasterCommand::kIgnore) continue;
    if (key == 'q') LogLine("graceful shutdown triggered...");
    desk_->Command(command, {});
  }
}

void FifoDuty::Choose(size_t slot) {
  if (slot >= paths_.size()) return;
  const size_t before = slot_;
  if (slot != before) {
    Close();
    if (const Status opened = Open(slot); !opened) {
      LogLine(opened.error().text());
      if (const Status again = Open(before); !again) LogLine(again.error().text());
      return;
    }
    ::unlink(paths_[before].c_str());
  }
  LogDated("active master fifo is now {}", paths_[slot]);
}

// Late keys still count: a second `q` or `Q` hurries the end.
void FifoDuty::OnChildrenGone() {
  if (!vacuum_) return;
  if (::unlink(paths_[slot_].c_str()) == 0) LogLine(message::Vacuumed("fifo " + paths_[slot_]));
}

}  // namespace uwsgi
