// SPDX-License-Identifier: Apache-2.0
#include "service/spool_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/clock.h"
#include "base/file.h"
#include "base/strings.h"
#include "service/spool_name.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kAbandonedUs = 60 * kSecond;
// What one write puts into a file whole or not at all, even when the process is killed meanwhile.
constexpr size_t kAtOnce = 4096;
constexpr std::string_view kReasonSuffix = ".error";

int64_t Micros(const timespec& time) {
  return int64_t{time.tv_sec} * kSecond + time.tv_nsec / 1000;
}

struct Entry {
  std::string name;
  bool is_directory = false;
  bool is_file = false;
};

// What is in a folder, which stays open: its files are found from there.
class Listing {
 public:
  static Result<Listing> Of(const std::string& folder);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] bool Look(const std::string& name, struct stat& facts) const {
    return ::fstatat(::dirfd(open_.get()), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0;
  }

 private:
  using Open = std::unique_ptr<DIR, int (*)(DIR*)>;
  explicit Listing(Open open) : open_(std::move(open)) {}

  Open open_;
  std::vector<Entry> entries_;
};

Result<Listing> Listing::Of(const std::string& folder) {
  Listing listing(Open(::opendir(folder.c_str()), ::closedir));
  if (!listing.open_) return ErrnoError("read " + folder, errno);
  for (errno = 0; const dirent* const found = ::readdir(listing.open_.get()); errno = 0) {
    Entry entry{found->d_name, found->d_type == DT_DIR, found->d_type == DT_REG};
    struct stat facts {};
    if (found->d_type == DT_UNKNOWN && listing.Look(entry.name, facts)) {
      entry.is_directory = S_ISDIR(facts.st_mode);
      entry.is_file = S_ISREG(facts.st_mode);
    }
    listing.entries_.push_back(std::move(entry));
  }
  if (errno != 0) return ErrnoError("read " + folder, errno);
  return listing;
}

std::vector<std::string> PrioritiesOf(const Listing& listing) {
  std::vector<std::string> names;
  for (const Entry& entry : listing.entries()) {
    if (entry.is_directory && IsPriorityName(entry.name)) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end(), PriorityBefore);
  return names;
}

// How a look is done: `put_off` are the only files to look at, or null for all of them.
struct Look {
  bool numbers;
  int64_t now_us;
  const SpoolPaths* put_off;
};

// Adds the tasks of one folder to the scan.
void AddTasks(SpoolScan& scan, const std::string& folder, const Listing& listing,
              const Look& look) {
  std::vector<std::pair<SpoolOrder, std::string>> due;
  for (const Entry& entry : listing.entries()) {
    if (!entry.is_file || !IsTaskName(entry.name, look.numbers)) continue;
    std::string path = folder + "/" + entry.name;
    const SpoolOrder order(entry.name);
    const bool is_dated = order.is_named && order.seconds > 0;
    auto made_s = static_cast<int64_t>(order.seconds);
    if (look.put_off == nullptr || !is_dated || look.put_off->contains(path)) {
      struct stat facts {};
      if (!listing.Look(entry.name, facts)) continue;
      const int64_t at_us = Micros(facts.st_mtim);
      if (at_us > look.now_us) {
        ++scan.later;
        if (scan.next_us == 0 || at_us < scan.next_us) scan.next_us = at_us;
        scan.put_off.insert(std::move(path));
        continue;
      }
      if (!is_dated) made_s = at_us / kSecond;
    }
    if (scan.oldest_s == 0 || made_s < scan.oldest_s) scan.oldest_s = made_s;
    due.emplace_back(order, std::move(path));
  }
  std::sort(due.begin(), due.end());
  for (auto& [order, path] : due) scan.due.push_back(std::move(path));
}

Status MakeFolder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return ErrnoError("create " + path, errno);
}

Status SyncFolder(const std::string& path) {
  const UniqueFd fd = TRY(OpenFile(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return ErrnoError("fsync " + path, errno);
  return {};
}

// The file under its first name, whole and, if wanted, on the disk; its time is that of `at`.
Status WriteUnfinished(const UniqueFd& fd, const std::string& bytes, std::optional<int64_t> at_s,
                       bool durable) {
  TRY_STATUS(WriteAll(fd.get(), bytes));
  if (at_s) {
    const timespec times[2] = {{0, UTIME_NOW}, {*at_s, 0}};
    if (::futimens(fd.get(), times) != 0) return ErrnoError("set its time", errno);
  }
  if (durable && ::fsync(fd.get()) != 0) return ErrnoError("fsync", errno);
  return {};
}

Result<std::string> RenameWithoutLoss(const std::string& from, const std::string& to) {
  std::string target = to;
  for (int i = 2; i < 1000; ++i) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0)
      return target;
    // A file system without the flag: the names are unlike enough.
    if (errno == EINVAL && ::rename(from.c_str(), target.c_str()) == 0) return target;
    if (errno != EEXIST) break;
    target = fmt::format("{}.{}", to, i);
  }
  return ErrnoError(fmt::format("move {} to {}", from, target), errno);
}

// Beside a task that was set aside. On a full disk the reason is lost, and the task is not.
void WriteReason(const std::string& task, std::string_view reason) {
  const auto fd =
      OpenFile(task + std::string(kReasonSuffix), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (fd) static_cast<void>(WriteAll(fd->get(), reason));
}

}  // namespace

std::string SpoolDir::Inside(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

Status SpoolDir::Prepare(uid_t owner, gid_t group) const {
  const bool is_new = ::mkdir(path_.c_str(), 0750) == 0;
  if (!is_new && errno != EEXIST) return ErrnoError("create " + path_, errno);
  if (is_new && ::chown(path_.c_str(), owner, group) != 0)
    return ErrnoError("change the owner of " + path_, errno);
  struct stat facts {};
  if (::stat(path_.c_str(), &facts) != 0) return ErrnoError("look at " + path_, errno);
  if (!S_ISDIR(facts.st_mode)) return Fail("{} is no directory", path_);
  return {};
}

std::string SpoolDir::SparePath(uint64_t spare) const {
  return fmt::format("{}/{}/{}", path_, kSpareFolder, spare);
}

Status SpoolDir::CheckUsable() const {
  if (::access(path_.c_str(), R_OK | W_OK | X_OK) != 0)
    return ErrnoError(path_ + " cannot be read and written", errno);
  TRY_STATUS(MakeFolder(Inside(kAttemptsFolder), 0700));
  TRY_STATUS(MakeFolder(Inside(kSpareFolder), 0700));
  return MakeFolder(Inside(kRunningFolder), 0700);
}

Result<std::string> SpoolDir::FolderOf(const SpoolPlacement& placement, bool durable) const {
  if (placement.priority.empty()) return path_;
  const std::string folder = Inside(placement.priority);
  const bool is_new = ::mkdir(folder.c_str(), 0777) == 0;
  if (!is_new && errno != EEXIST) return ErrnoError("create " + folder, errno);
  if (is_new && durable) TRY_STATUS(SyncFolder(path_));
  return folder;
}

bool SpoolDir::Recycle(const SpoolFile& file, uint64_t spare) const {
  return file.BecomeSpare(SparePath(spare));
}

// A spare is written over where it lies, under a lock that keeps other instances from putting
// theirs in its place. It is empty already: some file systems write a file to the disk at once that
// was opened to be cut.
UniqueFd SpoolDir::OpenSpare(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts {};
  struct stat named {};
  // Between the opening and the lock another instance may have made a task of it.
  const bool is_usable = fd.valid() && LockWhole(fd.get()).value_or(false) &&
                         ::fstat(fd.get(), &facts) == 0 && facts.st_nlink == 1 &&
                         ::lstat(path.c_str(), &named) == 0 && IsSameFile(named, facts) &&
                         (facts.st_size == 0 || ::ftruncate(fd.get(), 0) == 0);
  return is_usable ? std::move(fd) : UniqueFd();
}

// Opened for writing, empty, with a name that is no task's.
Result<SpoolDir::Unfinished> SpoolDir::OpenUnfinished(const std::string& path,
                                                      std::optional<uint64_t> spare) const {
  if (spare) {
    std::string spare_path = SparePath(*spare);
    if (UniqueFd fd = OpenSpare(spare_path); fd.valid())
      return Unfinished{std::move(fd), std::move(spare_path)};
  }
  UniqueFd fd = TRY(OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  // The lock says that its producer lives.
  const auto locked = LockWhole(fd.get());
  if (!locked) {
    ::unlink(path.c_str());
    return tl::unexpected(locked.error());
  }
  return Unfinished{std::move(fd), path};
}

// Under its last name from the beginning. Until the one write it is empty, which is no task yet for
// anybody who looks, whether here or in another server; its time is the present.
Status SpoolDir::WriteAtOnce(const std::string& path, const std::string& bytes) {
  const UniqueFd fd = TRY(OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
  if (written == static_cast<ssize_t>(bytes.size())) return {};
  const int error = written < 0 ? errno : ENOSPC;
  ::unlink(path.c_str());
  return ErrnoError(path + ": write", error);
}

bool SpoolDir::SparesPay() const {
  struct statfs facts {};
  return ::statfs(path_.c_str(), &facts) == 0 && facts.f_type != TMPFS_MAGIC;
}

Result<std::string> SpoolDir::Enqueue(const SpoolTask& task, const SpoolPlacement& placement,
                                      bool durable, std::optional<uint64_t> spare) const {
  const std::string bytes = TRY(EncodeSpoolTask(task));
  const std::string folder = TRY(FolderOf(placement, durable));
  const std::string name = NextSpoolName();
  std::string path = folder + "/" + name;
  if (!durable && !spare && !placement.at_s && bytes.size() <= kAtOnce) {
    TRY_STATUS(WriteAtOnce(path, bytes));
    return path;
  }
  {
    const Unfinished file =
        TRY(OpenUnfinished(fmt::format("{}/{}{}", folder, kUnfinishedPrefix, name), spare));
    Status written = WriteUnfinished(file.fd, bytes, placement.at_s, durable);
    if (written && ::rename(file.path.c_str(), path.c_str()) != 0)
      written = ErrnoError("rename", errno);
    if (!written) {
      ::unlink(file.path.c_str());
      return WithContext(path, written.error());
    }
  }
  // From here on it may run already, whatever becomes of the last step.
  if (durable) TRY_STATUS(SyncFolder(folder));
  return path;
}

Result<SpoolScan> SpoolDir::ScanAll(bool numbers, int64_t now_us, const SpoolPaths* put_off) const {
  const Look look{numbers, now_us, put_off};
  SpoolScan scan;
  const Listing top = TRY(Listing::Of(path_));
  for (const std::string& priority : PrioritiesOf(top)) {
    const std::string folder = Inside(priority);
    // It may be unreadable or gone: the other tasks do not wait for that.
    if (const auto listing = Listing::Of(folder)) AddTasks(scan, folder, *listing, look);
  }
  AddTasks(scan, path_, top, look);
  return scan;
}

Result<SpoolScan> SpoolDir::Scan(bool numbers, int64_t now_us) const {
  return ScanAll(numbers, now_us, nullptr);
}

Result<SpoolScan> SpoolDir::ScanNames(bool numbers, int64_t now_us,
                                      const SpoolPaths& put_off) const {
  return ScanAll(numbers, now_us, &put_off);
}

Result<std::string> SpoolDir::SetAside(const SpoolFile& file, std::string_view reason) const {
  const std::string folder = Inside(kFailedFolder);
  TRY_STATUS(MakeFolder(folder, 0700));
  const std::string wanted = fmt::format("{}/{}", folder, file.name());
  // Whoever sees the task there shall find the reason: it goes first, and what is without a task
  // is not looked at.
  const bool is_first = ::access(wanted.c_str(), F_OK) != 0;
  if (is_first) WriteReason(wanted, reason);
  auto target = RenameWithoutLoss(file.path(), wanted);
  if (!target) {
    if (is_first) ::unlink((wanted + std::string(kReasonSuffix)).c_str());
    return target;
  }
  ForgetAttempts(file.name());
  // There is another one of this name.
  if (!is_first || *target != wanted) WriteReason(*target, reason);
  return target;
}

Result<std::vector<std::string>> SpoolDir::Failed() const {
  const std::string folder = Inside(kFailedFolder);
  const auto listing = Listing::Of(folder);
  if (!listing && listing.error().error_number == ENOENT) return std::vector<std::string>();
  if (!listing) return tl::unexpected(listing.error());
  std::vector<std::pair<SpoolOrder, std::string>> found;
  for (const Entry& entry : listing->entries()) {
    if (entry.is_file && !EndsWith(entry.name, kReasonSuffix))
      found.emplace_back(SpoolOrder(entry.name), entry.name);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& [order, name] : found) names.push_back(std::move(name));
  return names;
}

int64_t SpoolDir::FailedChanged() const {
  struct stat facts {};
  return ::stat(Inside(kFailedFolder).c_str(), &facts) == 0 ? Micros(facts.st_mtim) : 0;
}

std::string SpoolDir::ReasonOf(std::string_view name) const {
  return ReadFile(fmt::format("{}/{}{}", Inside(kFailedFolder), name, kReasonSuffix)).value_or("");
}

Result<std::string> SpoolDir::Restore(std::string_view name) const {
  const std::string from = fmt::format("{}/{}", Inside(kFailedFolder), name);
  const auto file = TRY(SpoolFile::Claim(from, INT64_MAX));
  if (!file) return Fail("{} is not there any more", from);
  // What cannot be read was put here for that, and goes back to where it will be found again.
  const auto task = file->Read();
  const auto placement = task ? PlacementOf(*task) : SpoolPlacement();
  const std::string folder = TRY(FolderOf(placement.value_or(SpoolPlacement()), false));
  TRY_STATUS(file->PutOff(WallMicros()));
  std::string path = TRY(RenameWithoutLoss(from, fmt::format("{}/{}", folder, name)));
  ::unlink((from + std::string(kReasonSuffix)).c_str());
  return path;
}

Status SpoolDir::Purge(std::string_view name) const {
  const std::string path = fmt::format("{}/{}", Inside(kFailedFolder), name);
  if (::unlink(path.c_str()) != 0) return ErrnoError("remove " + path, errno);
  ::unlink((path + std::string(kReasonSuffix)).c_str());
  return {};
}

SpoolAttempts SpoolDir::AttemptsOf(std::string_view name) const {
  const auto text = ReadFile(fmt::format("{}/{}", Inside(kAttemptsFolder), name));
  SpoolAttempts found;
  if (!text) return found;
  for (const std::string_view line : Split(*text, '\n')) {
    const size_t equals = std::min(line.find('='), line.size());
    const auto value = ParseInt(line.substr(std::min(equals + 1, line.size())));
    if (line.substr(0, equals) == "attempts") found.attempts = value.value_or(0);
    if (line.substr(0, equals) == "deaths") found.deaths = value.value_or(0);
  }
  return found;
}

Status SpoolDir::NoteAttempts(std::string_view name, const SpoolAttempts& attempts) const {
  TRY_STATUS(MakeFolder(Inside(kAttemptsFolder), 0700));
  return WriteFileAtomically(
      fmt::format("{}/{}", Inside(kAttemptsFolder), name),
      fmt::format("attempts={}\ndeaths={}\n", attempts.attempts, attempts.deaths), 0600);
}

void SpoolDir::ForgetAttempts(std::string_view name) const {
  const std::string path = fmt::format("{}/{}/{}", path_, kAttemptsFolder, name);
  ::unlink(path.c_str());
}

bool SpoolDir::HasNoAttempts() const {
  const auto listing = Listing::Of(Inside(kAttemptsFolder));
  if (!listing) return listing.error().error_number == ENOENT;
  return std::ranges::none_of(listing->entries(), &Entry::is_file);
}

int SpoolDir::RemoveUnfinished(int64_t now_us) const {
  const auto top = Listing::Of(path_);
  if (!top) return 0;
  std::vector<std::string> folders = {path_};
  for (const std::string& priority : PrioritiesOf(*top)) folders.push_back(Inside(priority));
  int removed = 0;
  for (const std::string& folder : folders) {
    const auto listing = Listing::Of(folder);
    if (!listing) continue;
    for (const Entry& entry : listing->entries()) {
      if (!entry.is_file || !entry.name.starts_with(kUnfinishedPrefix)) continue;
      // Its producer holds a lock while it lives.
      const auto file = SpoolFile::Claim(folder + "/" + entry.name, INT64_MAX);
      if (!file || !*file || now_us - (*file)->changed_us() < kAbandonedUs) continue;
      if ((*file)->Remove()) ++removed;
    }
  }
  return removed;
}

}  // namespace uwsgi
