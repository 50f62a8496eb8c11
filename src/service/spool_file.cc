// SPDX-License-Identifier: Apache-2.0
#include "service/spool_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "service/spool_name.h"

namespace uwsgi {
namespace {

// A producer that creates the file under its last name locks it a moment later and keeps the lock
// while it writes; one that copies files in does not lock at all.
constexpr int64_t kSettleUs = 5'000'000;
// File systems note changes by a clock that lags behind by some milliseconds.
constexpr int64_t kTouchedUs = 100'000;

int64_t Micros(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

struct flock WholeFile(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// How open() says that there is nothing, or a directory, link or socket.
bool IsNoFile(int error) {
  constexpr int kErrors[] = {ENOENT, ENOTDIR, ELOOP, EISDIR, ENXIO};
  return std::ranges::find(kErrors, error) != std::end(kErrors);
}

// How a file is found: from its folder when that is open, else by its path.
struct Place {
  Place(int folder, const std::string& path)
      : from(folder == SpoolFile::kNoFolder ? AT_FDCWD : folder),
        name(path.c_str() + (folder == SpoolFile::kNoFolder ? 0 : path.rfind('/') + 1)) {}

  int from;
  const char* name;
};

// Reading is noted nowhere, where that is up to us: it is for the owner of the file.
UniqueFd OpenTask(const Place& place) {
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const int fd = ::openat(place.from, place.name, kFlags | O_NOATIME);
  return UniqueFd(fd >= 0 || errno != EPERM ? fd : ::openat(place.from, place.name, kFlags));
}

// Whether the name still belongs to the open file. One that was not touched lately was not moved
// either, and need not be looked for.
Result<bool> HasItsName(const Place& place, const struct stat& facts, int64_t opened_us) {
  if (facts.st_nlink == 0) return false;
  if (Micros(facts.st_ctim) < opened_us - kTouchedUs) return true;
  struct stat named {};
  if (::fstatat(place.from, place.name, &named, AT_SYMLINK_NOFOLLOW) == 0)
    return IsSameFile(named, facts);
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoError(fmt::format("look at {}", place.name), errno);
}

// Not in the place of one that a producer writes to; one that nobody has in hand is left over from
// another instance, or from a producer that died.
bool MoveToSpares(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EEXIST) return false;
  const UniqueFd left(::open(to.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return left.valid() && LockWhole(left.get()).value_or(false) &&
         ::rename(from.c_str(), to.c_str()) == 0;
}

}  // namespace

Result<bool> LockWhole(int fd) {
  struct flock lock = WholeFile(F_WRLCK);
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return ErrnoError("lock", errno);
}

SpoolFile::SpoolFile(UniqueFd fd, std::string path, int folder, const struct stat& facts)
    : fd_(std::move(fd)),
      folder_(folder),
      path_(std::move(path)),
      size_(facts.st_size),
      due_us_(Micros(facts.st_mtim)),
      changed_us_(Micros(facts.st_ctim)) {}

Result<std::optional<SpoolFile>> SpoolFile::Claim(const std::string& path, int64_t now_us,
                                                  int folder) {
  const int64_t opened_us = WallMicros();
  const Place place(folder, path);
  UniqueFd fd = OpenTask(place);
  if (!fd.valid()) {
    if (IsNoFile(errno)) return std::nullopt;
    return ErrnoError("open " + path, errno);
  }
  if (!TRY(LockWhole(fd.get()))) return std::nullopt;
  // While we waited for nothing, the one before us may have finished it, moved it or put it off.
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return ErrnoError("look at " + path, errno);
  if (!S_ISREG(facts.st_mode) || Micros(facts.st_mtim) > now_us) return std::nullopt;
  if (!TRY(HasItsName(place, facts, opened_us))) return std::nullopt;
  return SpoolFile(std::move(fd), path, folder, facts);
}

std::string_view SpoolFile::name() const {
  return std::string_view(path_).substr(path_.rfind('/') + 1);
}

bool SpoolFile::IsUnfinished(int64_t now_us) const {
  char head[4];
  const ssize_t got = ::pread(fd_.get(), head, sizeof head, 0);
  if (got < 0) return false;
  const size_t missing = MissingSpoolBytes({head, static_cast<size_t>(got)});
  const bool is_short =
      static_cast<size_t>(got) < sizeof head || static_cast<size_t>(size_) < sizeof head + missing;
  if (!is_short) return false;
  const pid_t producer = got == 0 ? ProducerOf(name()) : 0;
  return now_us - changed_us_ < kSettleUs || (producer > 0 && ProcessExists(producer));
}

bool SpoolFile::IsAbandoned() const {
  const pid_t producer = ProducerOf(name());
  const bool is_gone = producer > 0 && !ProcessExists(producer);
  // Only now: it may have written meanwhile.
  struct stat facts {};
  return is_gone && ::fstat(fd_.get(), &facts) == 0 && facts.st_size == 0;
}

Result<SpoolTask> SpoolFile::Read() const {
  if (size_ > kMaxSpoolFile) return Fail("it has {} bytes, more than 1 GiB", size_);
  // One byte more than there should be: when it does not come, that was all.
  std::string bytes(static_cast<size_t>(size_) + 1, '\0');
  const ssize_t got = ::pread(fd_.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return ErrnoError("read", errno);
  bytes.resize(static_cast<size_t>(got));
  if (got != size_) {
    // Somebody writes to it without a lock.
    if (::lseek(fd_.get(), got, SEEK_SET) != got) return ErrnoError("lseek", errno);
    bytes += TRY(ReadAll(fd_.get()));
  }
  return DecodeSpoolTask(bytes);
}

Status SpoolFile::Remove() const {
  const Place place(folder_, path_);
  if (::unlinkat(place.from, place.name, 0) != 0 && errno != ENOENT)
    return ErrnoError("remove " + path_, errno);
  return {};
}

bool SpoolFile::BecomeSpare(const std::string& as) const {
  struct stat facts {};
  const bool is_ours = ::fstat(fd_.get(), &facts) == 0 && facts.st_uid == ::geteuid() &&
                       facts.st_nlink == 1 && (facts.st_mode & 0777) == 0600;
  // First the name: after a power cut there must not be an empty task.
  if (!is_ours || !MoveToSpares(path_, as)) return false;
  if (::ftruncate(fd_.get(), 0) != 0) ::unlink(as.c_str());
  return true;
}

Status SpoolFile::PutOff(int64_t until_us) const {
  const timespec until = {until_us / 1'000'000, until_us % 1'000'000 * 1000};
  const timespec times[2] = {{0, UTIME_OMIT}, until};
  if (::futimens(fd_.get(), times) != 0) return ErrnoError("put off " + path_, errno);
  return {};
}

bool IsSpoolFileLocked(const std::string& path) {
  const auto fd = OpenFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return false;
  struct flock lock = WholeFile(F_RDLCK);
  return ::fcntl(fd->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Result<std::optional<SpoolTask>> PeekSpoolFile(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return ErrnoError("look at " + path, errno);
  if (!S_ISREG(facts.st_mode)) return Fail("{} is no file", path);
  if (facts.st_size > kMaxSpoolFile) return Fail("{} has more than 1 GiB", path);
  if (IsSpoolFileLocked(path)) return std::nullopt;
  auto task = DecodeSpoolTask(TRY(ReadFile(path)));
  if (!task) return WithContext(path, task.error());
  return std::move(*task);
}

}  // namespace uwsgi
