// SPDX-License-Identifier: Apache-2.0
#include "base/log_output.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/log_json.h"
#include "base/wait.h"

namespace uwsgi {
namespace {

constexpr int kPatienceMs = 100;
// Written to a pipe as one or not at all (PIPE_BUF).
constexpr size_t kWhole = 4096;

constexpr int kUnknown = -1;

std::atomic<int> the_kind{kUnknown};  // LogFdKind of descriptor 2
RoomWaiter the_waiter;
std::atomic<int> last_error{0};
// The last write ended within a line.
std::atomic<bool> is_torn{false};

// Whether this kernel or this kind of file cannot be asked for a write that does not wait.
bool CannotBeAsked(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == EPERM || error == EINVAL;
}

LogFdKind TheKind() {
  int kind = the_kind.load(std::memory_order_relaxed);
  if (kind == kUnknown) {
    kind = static_cast<int>(LogFdKindOf(STDERR_FILENO));
    the_kind.store(kind, std::memory_order_relaxed);
  }
  return static_cast<LogFdKind>(kind);
}

// What was written of it; less than all when there is no room or the write failed.
size_t WritePiece(std::string_view piece, LogFdKind kind) {
  size_t done = 0;
  while (done < piece.size()) {
    const ssize_t written = TryLogWrite(STDERR_FILENO, kind, piece.substr(done));
    if (written < 0 && errno == EAGAIN && the_waiter.HasRoom(STDERR_FILENO)) continue;
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      last_error.store(written == 0 ? EIO : errno, std::memory_order_relaxed);
      break;
    }
    done += static_cast<size_t>(written);
  }
  return done;
}

// Whether all of them were written.
bool WriteLines(std::string_view lines) {
  const LogFdKind kind = TheKind();
  if (is_torn.load(std::memory_order_relaxed) && WritePiece("\n", kind) == 1) {
    is_torn.store(false, std::memory_order_relaxed);
  }
  while (!lines.empty()) {
    const std::string_view piece = kind == LogFdKind::kFile ? lines : FrontLines(lines, kWhole);
    const size_t done = WritePiece(piece, kind);
    lines.remove_prefix(done);
    if (done == piece.size()) continue;
    if (done > 0) is_torn.store(piece[done - 1] != '\n', std::memory_order_relaxed);
    const auto lost = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    log_counters().lost_lines.fetch_add(lost, std::memory_order_relaxed);
    return false;
  }
  return true;
}

void WriteAndReport(std::string_view lines) {
  if (!WriteLines(lines)) return;
  const std::string report = TakeLossReport();
  if (!report.empty()) LogDatedLine(report);
}

LogCounters own_counters;
std::atomic<LogCounters*> the_counters{&own_counters};

}  // namespace

void SetLogCounters(LogCounters* counters) {
  the_counters.store(counters != nullptr ? counters : &own_counters);
}

LogCounters& log_counters() { return *the_counters.load(std::memory_order_relaxed); }

std::string TakeLossReport() {
  LogCounters& counters = log_counters();
  uint64_t reported = counters.reported_lines.load(std::memory_order_relaxed);
  const uint64_t lost = counters.lost_lines.load(std::memory_order_relaxed);
  if (reported == lost) return {};
  if (!counters.reported_lines.compare_exchange_strong(reported, lost)) return {};
  const int error = last_error.load(std::memory_order_relaxed);
  return fmt::format("*** {} log line{} lost: {} ***", lost - reported,
                     lost - reported == 1 ? " was" : "s were",
                     error == 0 || error == EAGAIN ? "nobody read them" : std::strerror(error));
}

void WriteServerLines(std::string_view lines) {
  if (!log_style().json) return WriteAndReport(lines);
  WriteAndReport(JsonLogLines(lines));
}

void WriteRequestLines(std::string_view lines) { WriteAndReport(lines); }

void LogOutputChanged() { the_kind.store(kUnknown, std::memory_order_relaxed); }

LogFdKind LogFdKindOf(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return LogFdKind::kFile;
  if (S_ISSOCK(facts.st_mode)) return LogFdKind::kSocket;
  return S_ISFIFO(facts.st_mode) || ::isatty(fd) != 0 ? LogFdKind::kPipe : LogFdKind::kFile;
}

ssize_t TryLogWrite(int fd, LogFdKind kind, std::string_view bytes) {
  switch (kind) {
    case LogFdKind::kFile:
      return ::write(fd, bytes.data(), bytes.size());
    case LogFdKind::kSocket:
      return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case LogFdKind::kPipe:
      break;
  }
  const std::string_view front = bytes.substr(0, kWhole);
  const iovec piece{const_cast<char*>(front.data()), front.size()};
  const ssize_t written = ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
  if (written >= 0 || !CannotBeAsked(errno)) return written;
  // Terminals, named pipes, pipes of older kernels, filters of system calls: one that has room for
  // anything has room for this much, unless somebody else is quicker.
  pollfd room{fd, POLLOUT, 0};
  if (::poll(&room, 1, 0) <= 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd, front.data(), front.size());
}

bool RoomWaiter::HasRoom(int fd) {
  const bool was_stalled = is_stalled_.load(std::memory_order_relaxed);
  const bool has_room = AwaitReady(fd, POLLOUT, was_stalled ? 0 : kPatienceMs);
  if (was_stalled == has_room) is_stalled_.store(!has_room, std::memory_order_relaxed);
  return has_room;
}

std::string_view FrontLines(std::string_view lines, size_t limit) {
  if (lines.size() <= limit) return lines;
  const size_t end = lines.rfind('\n', limit - 1);
  return lines.substr(0, end == std::string_view::npos ? limit : end + 1);
}

}  // namespace uwsgi
