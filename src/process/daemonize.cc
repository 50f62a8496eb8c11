// SPDX-License-Identifier: Apache-2.0
#include "process/daemonize.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/log.h"
#include "process/fork.h"

namespace uwsgi {
namespace {

// A report is one byte 'R' (ready), or 'F', the exit status as a byte, and the message.
constexpr char kReady = 'R';
constexpr char kFailed = 'F';

// Written and read in one piece: the daemon's children may hold the pipe open for longer.
constexpr size_t kLongestReport = 4000;

std::string ReadReport(int fd) {
  char bytes[kLongestReport];
  for (;;) {
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    return {bytes, static_cast<size_t>(got < 0 ? 0 : got)};
  }
}

void Send(UniqueFd& pipe, const std::string& bytes) {
  if (!pipe.valid()) return;
  // Nobody may be waiting any more.
  [[maybe_unused]] const auto sent = WriteAll(pipe.get(), bytes);
  pipe.Reset();
}

}  // namespace

std::string EncodeLaunchFailure(const Error& error) {
  std::string bytes(1, kFailed);
  bytes.push_back(static_cast<char>(error.exit_code));
  return (bytes + error.text()).substr(0, kLongestReport);
}

LaunchOutcome DecodeLaunchReport(const std::string& bytes, const std::string& log) {
  if (!bytes.empty() && bytes[0] == kReady) return {};
  if (bytes.size() >= 2 && bytes[0] == kFailed) {
    const std::string where = log.empty() ? "" : " (more is in " + log + ")";
    return {static_cast<unsigned char>(bytes[1]), bytes.substr(2) + where};
  }
  const std::string hint = log.empty() ? "" : ", see " + log;
  return {1, "the server ended before it was ready" + hint};
}

void LaunchReport::Ready() { Send(pipe_, std::string(1, kReady)); }

void LaunchReport::Failed(const Error& error) { Send(pipe_, EncodeLaunchFailure(error)); }

Result<Launch> Daemonize(const std::string& log) {
  FdPair pipe = TRY(MakePipe());
  const bool is_daemon = TRY(Detach());
  Launch launch;
  if (is_daemon) {
    launch.report = LaunchReport(std::move(pipe.second));
    return launch;
  }
  pipe.second.Reset();
  // MakePipe gives non-blocking ends; here waiting is all there is to do.
  ::fcntl(pipe.first.get(), F_SETFL, 0);
  const std::string report = ReadReport(pipe.first.get());
  const bool has_log = ::access(log.c_str(), F_OK) == 0;
  const LaunchOutcome outcome = DecodeLaunchReport(report, has_log ? log : "");
  if (!outcome.message.empty()) LogLine(outcome.message);
  launch.exit_status = outcome.exit_status;
  return launch;
}

Status CloseStandardInput() {
  const UniqueFd null = TRY(OpenFile("/dev/null", O_RDONLY));
  if (::dup2(null.get(), STDIN_FILENO) < 0) return ErrnoError("daemonize: /dev/null", errno);
  return {};
}

}  // namespace uwsgi
