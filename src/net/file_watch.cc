// SPDX-License-Identifier: Apache-2.0
#include "net/file_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr uint32_t kOfItself = IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                               IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
// Not IN_MODIFY: a log file beside a watched file would wake us with each line.
constexpr uint32_t kOfDirectory = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

std::string DirectoryOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? std::string::npos : path.find_last_of('/', end);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

std::string_view NameOf(FileChange change) {
  constexpr std::array<std::string_view, 5> kNames{"modified", "touched", "created", "deleted",
                                                   "replaced"};
  return kNames[static_cast<size_t>(change)];
}

std::unique_ptr<FileWatch> FileWatch::Create(EventLoop& loop) {
  std::unique_ptr<FileWatch> watch(new FileWatch(loop));
  watch->OpenInotify();
  return watch;
}

// A user has only so many of them; there may be one to have later.
void FileWatch::OpenInotify() {
  if (inotify_.valid()) return;
  inotify_.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify_.valid()) return;
  auto watched = loop_.Watch(inotify_.get(), kReadable, [this](uint32_t) { OnEvents(); });
  if (watched) watch_ = *watched;
}

FileWatch::~FileWatch() {
  loop_.Unwatch(watch_);
  loop_.Cancel(timer_);
}

FileWatchId FileWatch::Add(std::string path, Callback on_change) {
  if (timer_ == 0) timer_ = loop_.Every(kSecond, [this] { LookAtAll(); });
  const FileWatchId id = ++last_id_;
  Watched& watched = *watched_.emplace(id, std::make_shared<Watched>()).first->second;
  watched.path = std::move(path);
  watched.on_change = std::move(on_change);
  Arm(id, watched);
  // After the watches, so that nothing falls between.
  watched.stamp = StampOf(watched.path);
  return id;
}

FileWatchId FileWatch::AddSince(std::string_view state, std::string path, Callback on_change) {
  const FileWatchId id = Add(std::move(path), std::move(on_change));
  const std::shared_ptr<Watched>& watched = watched_.at(id);
  if (TextOf(watched->stamp) == state) return id;
  loop_.Defer([this, id, had_been = state != "-"] {
    const auto found = watched_.find(id);
    if (found == watched_.end()) return;
    const std::shared_ptr<Watched> changed = found->second;
    if (!changed->stamp.exists) return changed->on_change(FileChange::kDeleted);
    changed->on_change(had_been ? FileChange::kModified : FileChange::kCreated);
  });
  return id;
}

std::string FileWatch::TextOf(const Stamp& stamp) {
  if (!stamp.exists) return "-";
  return fmt::format("{}:{}:{}:{}.{}:{}.{}", stamp.device, stamp.inode, stamp.size,
                     stamp.modified.tv_sec, stamp.modified.tv_nsec, stamp.changed.tv_sec,
                     stamp.changed.tv_nsec);
}

std::string FileWatch::StateOf(FileWatchId id) const {
  const auto found = watched_.find(id);
  return found == watched_.end() ? "-" : TextOf(found->second->stamp);
}

bool FileWatch::Exists(FileWatchId id) const {
  const auto found = watched_.find(id);
  return found != watched_.end() && found->second->stamp.exists;
}

void FileWatch::Remove(FileWatchId id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  Use(found->second->itself, -1, id);
  Use(found->second->directory, -1, id);
  watched_.erase(found);
  if (watched_.empty()) loop_.Cancel(std::exchange(timer_, 0));
}

FileWatch::Stamp FileWatch::StampOf(const std::string& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0) return {};
  return {true, now.st_dev, now.st_ino, now.st_size, now.st_mtim, now.st_ctim};
}

// Watching what is watched already gives the same descriptor again.
void FileWatch::Arm(FileWatchId id, Watched& watched) {
  if (!inotify_.valid()) return;
  Use(watched.directory, WatchNearestDirectory(watched.path), id);
  Use(watched.itself, AddWatch(watched.path, kOfItself), id);
}

void FileWatch::Use(int& slot, int descriptor, FileWatchId id) {
  const int before = std::exchange(slot, descriptor);
  if (descriptor >= 0) users_[descriptor].insert(id);
  const auto found = users_.find(before);
  if (found == users_.end()) return;
  if (const auto user = found->second.find(id); user != found->second.end())
    found->second.erase(user);
  if (!found->second.empty()) return;
  ::inotify_rm_watch(inotify_.get(), before);
  users_.erase(found);
}

int FileWatch::AddWatch(const std::string& path, uint32_t mask) {
  // The same thing may be watched as itself and as the directory of another.
  return ::inotify_add_watch(inotify_.get(), path.c_str(), mask | IN_MASK_ADD);
}

int FileWatch::WatchNearestDirectory(const std::string& path) {
  for (std::string directory = DirectoryOf(path);; directory = DirectoryOf(directory)) {
    const int descriptor = AddWatch(directory, kOfDirectory);
    if (descriptor >= 0 || directory == "/" || directory == ".") return descriptor;
  }
}

void FileWatch::OnEvents() {
  std::map<FileWatchId, uint32_t> touched;  // what was told of the thing itself
  alignas(inotify_event) std::array<char, 16384> buffer;
  // One read: what is left calls us again, so that a busy writer cannot keep the loop here.
  const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
  for (size_t at = 0; at < static_cast<size_t>(std::max<ssize_t>(got, 0));) {
    inotify_event event;
    std::memcpy(&event, buffer.data() + at, sizeof event);
    at += sizeof event + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) return LookAtAll();
    const auto users = users_.find(event.wd);
    if (users == users_.end()) continue;
    for (const FileWatchId id : users->second) {
      const bool itself = watched_.at(id)->itself == event.wd;
      touched[id] |= itself ? event.mask & kOfItself : 0;
    }
  }
  for (const auto& [id, told] : touched) Look(id, told);
}

void FileWatch::LookAtAll() {
  OpenInotify();
  std::vector<FileWatchId> ids;
  ids.reserve(watched_.size());
  for (const auto& [id, watched] : watched_) ids.push_back(id);
  for (const FileWatchId id : ids) Look(id, /*told=*/0);
}

// `told`: what happened to it for sure, even if it looks as before; unless a look of ours has found
// that already.
void FileWatch::Look(FileWatchId id, uint32_t told) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  const std::shared_ptr<Watched> watched = found->second;
  Stamp now = StampOf(watched->path);
  const Stamp before = watched->stamp;
  const bool same_thing =
      now.exists == before.exists && now.device == before.device && now.inode == before.inode;
  // It may have appeared when its own watch had failed and before it was looked at.
  const bool is_unwatched = watched->itself < 0;
  if (!same_thing || !now.exists || told != 0 || is_unwatched) {
    Arm(id, *watched);
    now = StampOf(watched->path);
  }
  watched->stamp = now;
  const bool same = same_thing && now.size == before.size &&
                    SameTime(now.modified, before.modified) &&
                    SameTime(now.changed, before.changed);
  if (told != 0 && std::exchange(watched->is_ahead, false) && same) return;
  if (told == 0 && !same) watched->is_ahead = true;
  if (!now.exists && !before.exists) return;
  if (!before.exists) return watched->on_change(FileChange::kCreated);
  if (!now.exists) return watched->on_change(FileChange::kDeleted);
  if (now.device != before.device || now.inode != before.inode)
    return watched->on_change(FileChange::kReplaced);
  if (told == IN_ATTRIB) return watched->on_change(FileChange::kTouched);
  if (told != 0 || !same) watched->on_change(FileChange::kModified);
}

}  // namespace uwsgi
