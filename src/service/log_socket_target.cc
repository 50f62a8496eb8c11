// SPDX-License-Identifier: Apache-2.0
#include "service/log_socket_target.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <ctime>

namespace uwsgi {
namespace {

// "Nov 22 11:39:19", as in RFC 3164.
std::string SyslogTime() {
  const time_t now = ::time(nullptr);
  tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%b %e %H:%M:%S", &local));
}

UniqueFd ConnectedSocket(const SocketAddress& address, int type) {
  UniqueFd socket(::socket(address.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return socket;
  if (::connect(socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    socket.Reset();
    errno = error;
  }
  return socket;
}

}  // namespace

std::string LogDatagramTarget::Frame(std::string message) {
  if (spec_.kind == LoggerKind::kSocket) return message;
  if (spec_.kind == LoggerKind::kRsyslog && message.ends_with('\n')) message.pop_back();
  return fmt::format("<{}>{} {}: {}", spec_.priority, SyslogTime(), spec_.tag, message);
}

LogTarget::Outcome LogDatagramTarget::Write() {
  if (!socket_.valid()) socket_ = ConnectedSocket(spec_.address, SOCK_DGRAM);
  if (!socket_.valid()) return Outcome::kLater;
  while (!is_empty()) {
    const std::string_view message = front();
    if (::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      Shift(message.size());
    } else if (const Outcome outcome = OnError(errno); outcome != Outcome::kDone) {
      return outcome;
    }
  }
  return Outcome::kDone;
}

LogTarget::Outcome LogDatagramTarget::OnError(int error) {
  switch (error) {
    case EINTR:
      return Outcome::kDone;
    case EAGAIN:
      return Outcome::kWait;
    case EMSGSIZE:
      DropFront();
      return Outcome::kDone;
    case ECONNREFUSED:
      // Of UDP it tells of a message before; this one may be sent.
      if (!spec_.address.is_unix()) {
        DropFront();
        return Outcome::kDone;
      }
      [[fallthrough]];
    default:
      StopWaiting();
      socket_.Reset();
      return Outcome::kLater;
  }
}

std::string LogRedisTarget::Frame(std::string message) {
  if (message.ends_with('\n')) message.pop_back();
  std::string command = fmt::format("*{}\r\n", spec_.words.size() + 1);
  for (const std::string& word : spec_.words) {
    command += fmt::format("${}\r\n{}\r\n", word.size(), word);
  }
  return command + fmt::format("${}\r\n{}{}\r\n", spec_.prefix.size() + message.size(),
                               spec_.prefix, message);
}

bool LogRedisTarget::Connect() {
  if (socket_.valid()) return true;
  socket_ = ConnectedSocket(spec_.address, SOCK_STREAM);
  if (!socket_.valid()) return false;
  // A command of which the server before got a part is said again.
  RestartFront();
  // A descriptor of its own, as the loop has each once, and waiting for room may need the other.
  answers_fd_.Reset(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 3));
  auto watch = loop().Watch(answers_fd_.get(), kReadable, [this](uint32_t) { ReadAnswers(); });
  if (!watch) {
    answers_fd_.Reset();
    socket_.Reset();
    return false;
  }
  answers_ = *watch;
  return true;
}

void LogRedisTarget::Disconnect() {
  StopWaiting();
  loop().Unwatch(std::exchange(answers_, 0));
  answers_fd_.Reset();
  socket_.Reset();
}

void LogRedisTarget::ReadAnswers() {
  char answers[4096];
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), answers, sizeof answers, MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    if (got == 0 || errno != EAGAIN) Disconnect();
    return;
  }
}

LogTarget::Outcome LogRedisTarget::Write() {
  if (!Connect()) return Outcome::kLater;
  while (!is_empty()) {
    const std::string_view bytes = front();
    const ssize_t sent =
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
      Shift(static_cast<size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
      return Outcome::kWait;
    } else if (sent == 0 || errno != EINTR) {
      Disconnect();
      return Outcome::kLater;
    }
  }
  return Outcome::kDone;
}

}  // namespace uwsgi
