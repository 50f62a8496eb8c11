// SPDX-License-Identifier: Apache-2.0
#include "top/stats_fetch.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/printable.h"
#include "base/strings.h"

namespace uwsgi::top {

namespace {

constexpr std::string_view kHttp = "http://";
constexpr size_t kLongestStatus = 200;  // of a stranger's status line that is shown

Result<StatsAddress> ParseHttpAddress(std::string_view text) {
  std::string_view rest = text.substr(kHttp.size());
  const size_t slash = rest.find('/');
  StatsAddress address{.text = std::string(text), .is_http = true};
  if (slash != std::string_view::npos) address.path = rest.substr(slash);
  address.host = rest.substr(0, slash);
  const size_t colon = address.host.rfind(':');
  const size_t bracket = address.host.rfind(']');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  if (address.host.empty()) return Fail("no host in \"{}\"", text);
  for (const char c : address.host + address.path) {
    if (c <= ' ' || c == 0x7f) return Fail("blanks or control characters in \"{}\"", text);
  }
  address.socket = TRY(ParseSocketAddress(has_port ? address.host : address.host + ":80"));
  return address;
}

std::string RequestOf(const StatsAddress& address) {
  if (!address.is_http) return {};
  return fmt::format(
      "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: uwsgitop\r\n\r\n",
      address.path, address.host);
}

bool WouldBlock(int error_number) { return error_number == EAGAIN || error_number == EINTR; }

Error Problem(std::string_view what, int error_number) {
  return ErrnoError(what, error_number).value();
}

}  // namespace

Result<StatsAddress> ParseStatsAddress(std::string_view text) {
  if (StartsWith(text, kHttp)) return ParseHttpAddress(text);
  if (text.find("://") != std::string_view::npos) {
    return Fail("\"{}\": of the schemes only http:// is known", text);
  }
  // Where nothing stands in front of the port, a server listens everywhere; a client asks at home.
  const std::string target =
      StartsWith(text, ":") ? fmt::format("127.0.0.1{}", text) : std::string(text);
  return StatsAddress{.text = std::string(text), .socket = TRY(ParseSocketAddress(target))};
}

Result<StatsFetch> StatsFetch::Start(const StatsAddress& address, int64_t deadline) {
  UniqueFd fd(::socket(address.socket.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoError("socket()", errno);
  if (::connect(fd.get(), address.socket.get(), address.socket.length) != 0) {
    // A UNIX socket whose queue is full says EAGAIN, and waiting for it would not help.
    if (errno != EINPROGRESS) return ErrnoError("connect", errno);
  }
  return StatsFetch(std::move(fd), RequestOf(address), deadline);
}

short StatsFetch::events() const { return phase_ == Phase::kReading ? POLLIN : POLLOUT; }

std::optional<Result<std::string>> StatsFetch::Advance(int64_t now) {
  // One step each, in the order of the phases; a step that has to wait leaves its phase as it is.
  if (phase_ == Phase::kConnecting) {
    if (auto problem = Connect()) return tl::unexpected(*problem);
  }
  if (phase_ == Phase::kSending) {
    if (auto problem = Send()) return tl::unexpected(*problem);
  }
  if (phase_ == Phase::kReading) {
    if (auto done = Read()) return done;
  }
  if (now < deadline_) return std::nullopt;
  constexpr std::string_view kLate[] = {
      "no connection in time", "the request was not taken in time", "no whole answer in time"};
  return Fail("{}", kLate[static_cast<size_t>(phase_)]);
}

std::optional<Error> StatsFetch::Connect() {
  pollfd ready{fd_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) <= 0) return std::nullopt;
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) return Problem("connect", problem);
  phase_ = request_.empty() ? Phase::kReading : Phase::kSending;
  return std::nullopt;
}

std::optional<Error> StatsFetch::Send() {
  const ssize_t sent = ::send(fd_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (WouldBlock(errno)) return std::nullopt;
    return Problem("send", errno);
  }
  request_.erase(0, static_cast<size_t>(sent));
  if (request_.empty()) phase_ = Phase::kReading;
  return std::nullopt;
}

std::optional<Result<std::string>> StatsFetch::Read() {
  char chunk[65536];
  // A bounded share per turn, so that keys are heard while a server floods.
  for (int turn = 0; turn < 64; ++turn) {
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (got == 0) return DocumentOf(std::move(answer_));
    if (got < 0) {
      if (WouldBlock(errno)) return std::nullopt;
      return tl::unexpected(Problem("read", errno));
    }
    answer_.append(chunk, static_cast<size_t>(got));
    if (answer_.size() > kLargest) return Fail("an answer of more than {} MiB", kLargest >> 20);
  }
  return std::nullopt;
}

Result<std::string> DocumentOf(std::string answer) {
  if (answer.empty()) {
    return Fail("closed without an answer (with --stats-http the address is http://...)");
  }
  if (!StartsWith(answer, "HTTP/")) return answer;
  const std::string_view status = std::string_view(answer).substr(0, answer.find_first_of("\r\n"));
  const auto words = SplitWords(status);
  if (words.size() < 2 || words[1] != "200")
    return Fail("answered {}", Printable(status.substr(0, kLongestStatus)));
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string::npos) return Fail("an HTTP answer without an end of its head");
  return answer.substr(head + 4);
}

}  // namespace uwsgi::top
