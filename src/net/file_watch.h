// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/function.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace uwsgi {

using FileWatchId = uint64_t;  // never 0, never used twice

enum class FileChange : uint8_t {
  kModified,  // content, or attributes when a look has found it; of a directory: what is in it
  kTouched,   // attributes alone, times among them
  kCreated,   // there is something now where nothing was
  kDeleted,   // there is nothing any more
  kReplaced,  // something else is there now: renamed over, or deleted and made anew
};
std::string_view NameOf(FileChange change);

// Says when files change. It watches paths, not files: a path may be missing and appear later,
// together with its directories, and what is renamed over it is watched from then on. inotify tells
// at once; a look each second finds what inotify cannot tell (network file systems, a symbolic link
// higher up in the path that points elsewhere now, no inotify left to have). Changes that happen
// together are reported once. One thread only, that of the loop.
class FileWatch {
 public:
  using Callback = UniqueFunction<void(FileChange)>;

  // The loop must outlive it. It must not be destroyed by one of its callbacks, and in a child that
  // was forked it must not be destroyed at all: LeaveInChild().
  static std::unique_ptr<FileWatch> Create(EventLoop& loop);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

  // What is there now is the state that changes are told against. A callback may add and remove,
  // itself included.
  FileWatchId Add(std::string path, Callback on_change);
  // The same, but told against what StateOf() said, in another process perhaps.
  FileWatchId AddSince(std::string_view state, std::string path, Callback on_change);
  // What was there when it was looked at last, as text; "-" when there was nothing.
  [[nodiscard]] std::string StateOf(FileWatchId id) const;
  // What is there now, for AddSince().
  static std::string StateNow(const std::string& path) { return TextOf(StampOf(path)); }
  [[nodiscard]] bool Exists(FileWatchId id) const;
  // Harmless when there is no such watch.
  void Remove(FileWatchId id);

  // What happens by itself each second.
  void LookAtAll();

  // Gives back the descriptor; the parent goes on watching.
  void LeaveInChild() { inotify_.Reset(); }

 private:
  // Enough of stat() to tell one state of a file from another.
  struct Stamp {
    bool exists = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    timespec changed{};
  };
  struct Watched {
    std::string path;
    Callback on_change;
    Stamp stamp;
    // A look has found the change of which inotify will tell yet.
    bool is_ahead = false;
    int itself = -1;     // watch descriptors of inotify; -1: none
    int directory = -1;  // the one it is in, or the nearest that exists
  };

  explicit FileWatch(EventLoop& loop) : loop_(loop) {}
  void OpenInotify();
  static Stamp StampOf(const std::string& path);
  static std::string TextOf(const Stamp& stamp);
  void Arm(FileWatchId id, Watched& watched);
  void Use(int& slot, int descriptor, FileWatchId id);
  int AddWatch(const std::string& path, uint32_t mask);
  int WatchNearestDirectory(const std::string& path);
  void OnEvents();
  void Look(FileWatchId id, uint32_t told);

  EventLoop& loop_;
  UniqueFd inotify_;
  WatchId watch_ = 0;
  TimerId timer_ = 0;
  FileWatchId last_id_ = 0;
  // Shared with the running callback, which may remove its own watch.
  std::map<FileWatchId, std::shared_ptr<Watched>> watched_;
  std::map<int, std::multiset<FileWatchId>> users_;  // of a watch descriptor
};

}  // namespace uwsgi
