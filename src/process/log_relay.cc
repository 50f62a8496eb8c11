// SPDX-License-Identifier: Apache-2.0
#include "process/log_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/wait.h"
#include "process/child_rules.h"
#include "process/fork.h"
#include "process/log_process.h"
#include "process/process_title.h"
#include "service/log_file_target.h"
#include "service/log_frame.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int kReadyTimeoutMs = 20'000;
constexpr int kEndTimeoutMs = 5'000;
// Who lives less than this has not really started.
constexpr int64_t kYoungUs = 10 * kSecond;
// Who prints much waits meanwhile.
constexpr int64_t kLongestPauseS = 4;
// Room for what comes in a moment in which the log process does not run.
constexpr int kPipeBytes = 256 * 1024;

// This process's way to the log process.
struct Outlet {
  std::string token;
  UniqueFd own_fd;  // descriptor 2 opened once more, so as not to block
  RoomWaiter waiter;
  std::mutex long_lines;

  [[nodiscard]] int fd() const { return own_fd.valid() ? own_fd.get() : STDERR_FILENO; }
  [[nodiscard]] LogFdKind kind() const {
    return own_fd.valid() ? LogFdKind::kFile : LogFdKind::kPipe;
  }
};

Outlet& outlet() {
  static Outlet the_outlet;
  return the_outlet;
}

bool WriteFrame(Outlet& out, const std::string& frame) {
  for (;;) {
    const ssize_t written = TryLogWrite(out.fd(), out.kind(), frame);
    if (written >= 0) return true;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || !out.waiter.HasRoom(out.fd())) return false;
  }
}

// A line that does not fit in a frame. Frames of two such lines must not mix.
bool WriteLongLine(Outlet& out, LogStream stream, std::string_view line) {
  const std::lock_guard lock(out.long_lines);
  LogFrameSpec frame{.stream = stream};
  while (!line.empty()) {
    const std::string_view piece = line.substr(0, kLongestLogPayload);
    line.remove_prefix(piece.size());
    frame.has_more = !line.empty();
    if (!WriteFrame(out, EncodeLogFrame(out.token, frame, piece))) return false;
    frame.continues = true;
  }
  return true;
}

void WriteLines(LogStream stream, std::string_view lines) {
  Outlet& out = outlet();
  while (!lines.empty()) {
    std::string_view piece = FrontLines(lines, kLongestLogPayload);
    const bool is_long = piece.back() != '\n' && piece.size() < lines.size();
    if (is_long) piece = lines.substr(0, std::min(lines.find('\n'), lines.size() - 1) + 1);
    const bool is_written =
        is_long ? WriteLongLine(out, stream, piece)
                : WriteFrame(out, EncodeLogFrame(out.token, {.stream = stream}, piece));
    if (!is_written) {
      const auto lost = static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
      log_counters().lost_lines.fetch_add(std::max<uint64_t>(lost, 1), std::memory_order_relaxed);
    }
    lines.remove_prefix(piece.size());
  }
}

// Descriptors 1 and 2 become this pipe.
void BecomeOutput(int pipe) {
  ::dup2(pipe, STDOUT_FILENO);
  ::dup2(pipe, STDERR_FILENO);
  outlet().own_fd.Reset(::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

Result<UniqueFd> CopyOf(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  // Closed by whoever started us: the log goes nowhere.
  if (!copy.valid()) return OpenFile("/dev/null", O_WRONLY);
  return copy;
}

// In the log process: whatever the parent has open is not for it. Closed by number, as the owners
// are the parent's copies.
void CloseAllBut(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd < static_cast<int>(from)) continue;
    const auto number = static_cast<unsigned>(fd);
    if (number > from) ::close_range(from, number - 1, 0);
    from = number + 1;
  }
  ::close_range(from, ~0U, 0);
}

}  // namespace

Status SharedLogCounters::Open() {
  SharedSize size;
  size.Add<LogCounters>();
  region_.emplace(TRY(SharedRegion::Create(size)));
  SetLogCounters(TRY(region_->Carve<LogCounters>()).data());
  return {};
}

void ReturnLogOutputs(HandOver& state) {
  if (state.log_outputs.size() == 2) {
    ::dup2(state.log_outputs[0], STDOUT_FILENO);
    ::dup2(state.log_outputs[1], STDERR_FILENO);
  }
  for (const int fd : state.log_outputs) ::close(fd);
  state.log_outputs.clear();
  LogOutputChanged();
}

LogRelay::LogRelay(LogRelaySpec spec, Mailbox::Pair orders, FdPair lifeline, UniqueFd out,
                   UniqueFd err)
    : spec_(std::move(spec)),
      owner_(::getpid()),
      token_(MakeLogToken()),
      orders_(std::move(orders)),
      lifeline_(std::move(lifeline)),
      out_(std::move(out)),
      err_(std::move(err)),
      former_(spec_.former) {}

Result<std::unique_ptr<LogRelay>> LogRelay::Start(LogRelaySpec spec) {
  std::unique_ptr<LogRelay> relay(new LogRelay(std::move(spec), TRY(Mailbox::CreatePair()),
                                               TRY(MakePipe()), TRY(CopyOf(STDOUT_FILENO)),
                                               TRY(CopyOf(STDERR_FILENO))));
  TRY_STATUS(relay->StartProcess());
  TRY_STATUS(relay->WaitUntilReady());
  TRY_STATUS(relay->Capture());
  return relay;
}

Status LogRelay::StartProcess() {
  started_us_ = MonotonicMicros();
  ForkSpec fork;
  fork.death_signal = 0;  // it outlives us, to write what we said last
  fork.main = [this](UniqueFd reports) {
    // Its own output is what it was.
    ::dup2(out_.get(), STDOUT_FILENO);
    ::dup2(err_.get(), STDERR_FILENO);
    CloseAllBut(KeptFds(reports.get()));
    if (!spec_.title.empty()) SetTitle(spec_.title);
    // By its name, as it may have been rotated since; else as it is.
    auto main = spec_.main_path.empty() ? CopyOf(STDERR_FILENO)
                                        : OpenLogFileForAppending(spec_.main_path, spec_.main_mode);
    if (!main) main = CopyOf(STDERR_FILENO);
    if (!main) return 1;
    return LogProcessMain({.spec = spec_.log,
                           .identity = spec_.identity,
                           .counters = spec_.counters,
                           .alarms = spec_.alarms,
                           .token = token_,
                           .main_log = {std::move(*main), spec_.main_path, spec_.main_mode},
                           .orders = std::move(orders_->second),
                           .lifeline = std::move(lifeline_.first)},
                          std::move(reports));
  };
  Forked forked = TRY(ForkChild(std::move(fork)));
  pid_ = forked.pid;
  reports_ = std::move(forked.reports);
  return {};
}

std::vector<int> LogRelay::KeptFds(int reports) const {
  std::vector<int> kept{reports, orders_->second.fd(), lifeline_.first.get()};
  for (const LogStreamSpec* stream : {&spec_.log->server, &spec_.log->requests}) {
    for (const LoggerSpec& logger : stream->loggers) kept.push_back(logger.fd);
  }
  if (spec_.alarms != nullptr) kept.push_back(spec_.alarms->raising_fd());
  return kept;
}

Status LogRelay::WaitUntilReady() const {
  std::string report;
  char bytes[1024];
  for (;;) {
    if (!AwaitReady(reports_.get(), POLLIN, kReadyTimeoutMs))
      return Fail("the process that writes the log does not start");
    const ssize_t got = ::read(reports_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return Fail("the log cannot be opened: {}", report);
    report.append(bytes, static_cast<size_t>(got));
    if (report.back() == kLogProcessReady) return {};
  }
}

// From here on the log is what the log process makes of it.
Status LogRelay::Capture() {
  LogSeat seat = TRY(Prepare("master", 0));
  outlet().token = token_;
  BecomeOutput(seat.write_end.get());
  SetLogSinks([](std::string_view lines) { WriteLines(LogStream::kServer, lines); },
              [](std::string_view lines) { WriteLines(LogStream::kRequests, lines); });
  NoteChild(std::move(seat), ::getpid());
  return {};
}

LogRelay::~LogRelay() {
  if (owner_ == ::getpid()) End();
}

void LogRelay::End() {
  ::dup2(out_.get(), STDOUT_FILENO);
  ::dup2(err_.get(), STDERR_FILENO);
  SetLogSink(WriteServerLines);
  LogOutputChanged();
  outlet().own_fd.Reset();
  Revive();
  if (pid_ == 0) return;
  Tell(LogOrder::kEnd);
  lifeline_.second.Reset();
  const int64_t deadline = MonotonicMicros() + kEndTimeoutMs * 1000;
  for (int left = kEndTimeoutMs; left > 0;
       left = static_cast<int>((deadline - MonotonicMicros()) / 1000)) {
    pollfd waiting{reports_.get(), POLLIN, 0};
    char byte = 0;
    if (::poll(&waiting, 1, left) > 0 && ::read(reports_.get(), &byte, 1) == 0) break;
  }
  // Reaped by who reaps orphans, its number may be another process's.
  if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void LogRelay::Tell(LogOrder order, const std::string& words, int fd) {
  // A log process that is gone, or has no time, is told of its sources again; the rest is not that
  // important.
  [[maybe_unused]] const auto sent =
      orders_->first.Send(std::string(1, static_cast<char>(order)) + words, fd);
}

Status LogRelay::SetMain(int fd, const std::string& path, int mode) {
  for (const int standard : {out_.get(), err_.get()}) {
    if (::dup3(fd, standard, O_CLOEXEC) < 0) return ErrnoError("log to " + path, errno);
  }
  spec_.main_path = path;
  spec_.main_mode = mode;
  Tell(LogOrder::kMain, fmt::format("{}{}{}", mode + 1, '\0', path), fd);
  return {};
}

void LogRelay::Rotate() { Tell(LogOrder::kRotate); }

void LogRelay::Reopen() { Tell(LogOrder::kReopen); }

Result<LogSeat> LogRelay::Prepare(std::string process, int worker) {
  FdPair pipe = TRY(MakePipe());
  ::fcntl(pipe.first.get(), F_SETPIPE_SZ, kPipeBytes);
  // Who prints waits as for any other file.
  if (::fcntl(pipe.second.get(), F_SETFL, 0) != 0) return ErrnoError("fcntl()", errno);
  return LogSeat{std::move(process), worker, std::move(pipe.first), std::move(pipe.second)};
}

void LogRelay::Enter(LogSeat seat) {
  BecomeOutput(seat.write_end.get());
  LeaveInChild();
}

void LogRelay::NoteChild(LogSeat seat, pid_t pid) {
  std::erase_if(sources_, [&seat](const Source& source) {
    // One that is being replaced still speaks.
    return source.process == seat.process && source.worker == seat.worker &&
           !ProcessExists(source.pid);
  });
  sources_.push_back({seat.process, seat.worker, pid, std::move(seat.read_end)});
  TellOfSources();
}

// A copy of each read end stays here, so that whoever writes finds a reader even while there is no
// log process.
void LogRelay::TellOfSources() {
  for (Source& source : sources_) {
    if (source.is_told) continue;
    const std::string words = fmt::format("{}{}{}{}{}{}", static_cast<char>(LogOrder::kSource),
                                          source.process, '\0', source.worker, '\0', source.pid);
    const auto sent = orders_->first.Send(words, source.read_end.get());
    source.is_told = sent && *sent == Mailbox::Sent::kYes;
  }
}

Status LogRelay::Attach(EventLoop& loop) {
  loop_ = &loop;
  loop.Every(kSecond, [this] {
    TellOfSources();
    ReapFormer();
  });
  WatchProcess();
  return {};
}

void LogRelay::WatchProcess() {
  auto watch = loop_->Watch(reports_.get(), kReadable, [this](uint32_t) {
    char byte = 0;
    if (::read(reports_.get(), &byte, 1) == 0) OnProcessEnd();
  });
  if (watch) watch_ = *watch;
}

// Somebody has killed it, or it cannot open its files any more. Nothing of what waits in the pipes
// is lost.
void LogRelay::OnProcessEnd() {
  loop_->Unwatch(std::exchange(watch_, 0));
  if (pid_ != 0) former_.push_back(std::exchange(pid_, 0));
  reports_.Reset();
  // All is said anew, and none of it twice: two readers of one pipe would tear its lines.
  while (const auto unread = orders_->second.Receive()) {
    if (!*unread) break;
  }
  for (Source& source : sources_) source.is_told = false;
  early_ends_ = MonotonicMicros() - started_us_ < kYoungUs ? early_ends_ + 1 : 0;
  const int64_t pause_s = std::min(PauseAfter(early_ends_, 1), kLongestPauseS);
  loop_->After(std::max(pause_s * kSecond, kSecond / 10), [this, pause_s] { StartAgain(pause_s); });
}

// At the end there is no pause: it has died, and what waits in the pipes has not been written yet.
void LogRelay::Revive() {
  if (pid_ == 0 && StartProcess()) TellOfSources();
}

void LogRelay::StartAgain(int64_t pause_s) {
  if (pid_ == 0 && !StartProcess()) return OnProcessEnd();
  TellOfSources();
  WatchProcess();
  LogDated(
      "*** WARNING: the process that writes the log had died and was started again (pid: {}){} ***",
      pid_, pause_s > 0 ? fmt::format(" after {} seconds", pause_s) : "");
}

void LogRelay::ReapFormer() {
  std::erase_if(former_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

void LogRelay::LeaveUnwatched() {
  sources_.clear();
  lifeline_.first.Reset();
}

void LogRelay::LeaveInChild() {
  loop_ = nullptr;
  orders_.reset();
  pid_ = 0;
  reports_.Reset();
  sources_.clear();
  lifeline_.first.Reset();
  lifeline_.second.Reset();
  out_.Reset();
  err_.Reset();
}

void LogRelay::HandOverTo(HandOver& state) {
  Revive();
  state.log_outputs = {out_.get(), err_.get()};
  state.log_processes = former_;
  if (pid_ != 0) state.log_processes.push_back(pid_);
}

}  // namespace uwsgi
