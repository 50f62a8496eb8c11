// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <grp.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {

namespace {

constexpr int64_t kBindPatienceUs = 3'000'000;
constexpr useconds_t kBindPauseUs = 10'000;

int BacklogOf(const ListenerSpec& spec) {
  return spec.backlog > 0 ? spec.backlog : SystemBacklogLimit();
}

tl::unexpected<Error> Refuse(const ListenerSpec& spec, std::string_view call, int error_number) {
  std::string message;
  if (error_number == EADDRINUSE) {
    message = fmt::format(
        "probably another instance of uWSGI is running on the same address ({}).\n", spec.address);
  }
  return Fail("{}{}: {} {}", message, call, std::strerror(error_number), Where(spec));
}

Status SetOption(const ListenerSpec& spec, int fd, int level, int option, int value,
                 std::string_view name) {
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return {};
  return Refuse(spec, fmt::format("setsockopt({})", name), errno);
}

Status SetOptions(const ListenerSpec& spec, int fd, bool is_unix) {
  if (spec.sndbuf > 0) {
    TRY_STATUS(SetOption(spec, fd, SOL_SOCKET, SO_SNDBUF, spec.sndbuf, "SO_SNDBUF"));
  }
  if (spec.rcvbuf > 0) {
    TRY_STATUS(SetOption(spec, fd, SOL_SOCKET, SO_RCVBUF, spec.rcvbuf, "SO_RCVBUF"));
  }
  if (is_unix) return {};
  TRY_STATUS(SetOption(spec, fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  // Connections inherit it, which saves a call for each; answers leave in few, whole writes.
  TRY_STATUS(SetOption(spec, fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"));
  if (spec.reuse_port) {
    TRY_STATUS(SetOption(spec, fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"));
  }
  if (spec.freebind) TRY_STATUS(SetOption(spec, fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND"));
  if (spec.so_keepalive) {
    TRY_STATUS(SetOption(spec, fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"));
  }
  return {};
}

// Removes the socket file of a server that is gone. Whatever else is there stays, and bind() will
// refuse the path.
void RemoveStaleFile(const SocketAddress& address) {
  const std::string path = address.text();
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), address.get(), address.length) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
}

// Numbers and names; nullopt when there is no such user or group.
std::optional<uid_t> FindUser(std::string_view name) {
  if (const auto number = ParseId(name)) return uid_t{*number};
  const passwd* found = ::getpwnam(std::string(name).c_str());
  return found != nullptr ? std::optional(found->pw_uid) : std::nullopt;
}

std::optional<gid_t> FindGroup(std::string_view name) {
  if (const auto number = ParseId(name)) return gid_t{*number};
  const group* found = ::getgrnam(std::string(name).c_str());
  return found != nullptr ? std::optional(found->gr_gid) : std::nullopt;
}

Status SetOwner(const ListenerSpec& spec, const std::string& path) {
  const size_t colon = spec.chown.find(':');
  const std::string_view user = std::string_view(spec.chown).substr(0, colon);
  auto uid = static_cast<uid_t>(-1);  // unchanged
  auto gid = static_cast<gid_t>(-1);
  if (!user.empty()) {
    const auto found = FindUser(user);
    if (!found) return Fail("chown-socket: there is no user {} {}", user, Where(spec));
    uid = *found;
  }
  if (colon != std::string::npos) {
    const std::string_view name = std::string_view(spec.chown).substr(colon + 1);
    const auto found = FindGroup(name);
    if (!found) return Fail("chown-socket: there is no group {} {}", name, Where(spec));
    gid = *found;
  }
  if (::lchown(path.c_str(), uid, gid) == 0) return {};
  return Refuse(spec, fmt::format("chown-socket {}", spec.chown), errno);
}

// Before listen(), so that nobody connects under the wrong mode.
Status SetFileRights(const ListenerSpec& spec, const std::string& path) {
  if (!spec.chown.empty()) TRY_STATUS(SetOwner(spec, path));
  if (spec.chmod >= 0 && ::chmod(path.c_str(), static_cast<mode_t>(spec.chmod)) != 0) {
    return Refuse(spec, "chmod-socket", errno);
  }
  return {};
}

std::string_view FamilyLabel(const SocketAddress& address) {
  if (address.is_unix()) return "UNIX";
  return address.family() == AF_INET6 ? "TCP6" : "TCP";
}

}  // namespace

std::string_view NameOf(ListenerProtocol protocol) {
  switch (protocol) {
    case ListenerProtocol::kHttp:
    case ListenerProtocol::kHttpSocket:
      return "http";
    case ListenerProtocol::kHttp11Socket:
      return "http11";
    case ListenerProtocol::kUwsgi:
      return "uwsgi";
  }
  return "unknown";
}

std::string Where(const ListenerSpec& spec) {
  const std::string_view comma = spec.origin.empty() ? "" : ", ";
  return fmt::format("[{} = {}{}{}]", spec.option, spec.address, comma, spec.origin);
}

bool BindPatience::Wait(const ListenerSpec& spec) {
  const int64_t now_us = MonotonicMicros();
  if (until_us_ == 0) {
    until_us_ = now_us + kBindPatienceUs;
    Log("{} is in use, trying again for up to {} seconds {}", spec.address,
        kBindPatienceUs / 1'000'000, Where(spec));
  }
  if (now_us >= until_us_) return false;
  ::usleep(kBindPauseUs);
  return true;
}

Result<Listener> Listener::Bind(const ListenerSpec& spec, BindPatience* patience) {
  auto parsed = ParseSocketAddress(spec.address);
  if (!parsed) return Fail("{} {}", parsed.error().text(), Where(spec));
  const SocketAddress& address = *parsed;
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Refuse(spec, "socket()", errno);
  TRY_STATUS(SetOptions(spec, fd.get(), address.is_unix()));
  const bool has_file = address.is_unix() && !address.is_abstract();
  if (has_file) RemoveStaleFile(address);
  while (::bind(fd.get(), address.get(), address.length) != 0) {
    const int error = errno;
    const bool may_wait = error == EADDRINUSE && patience != nullptr;
    if (!may_wait || !patience->Wait(spec)) return Refuse(spec, "bind()", error);
    if (has_file) RemoveStaleFile(address);
  }
  if (has_file) TRY_STATUS(SetFileRights(spec, address.text()));
  if (::listen(fd.get(), BacklogOf(spec)) != 0) return Refuse(spec, "listen()", errno);
  Listener listener(spec, std::move(fd), ListenerSource::kBound);
  listener.auto_port_ = !address.is_unix() && address.port() == 0;
  TRY_STATUS(listener.Identify());
  return listener;
}

Result<Listener> Listener::Adopt(const ListenerSpec& spec, UniqueFd fd, ListenerSource source) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
    return Fail("descriptor {} is not a listening socket {}", fd.get(), Where(spec));
  }
  TRY_STATUS(SetNonBlocking(fd.get()));
  TRY_STATUS(SetCloseOnExec(fd.get(), true));
  Listener listener(spec, std::move(fd), source);
  TRY_STATUS(listener.Identify());
  return listener;
}

Listener Listener::Map(const ListenerSpec& spec, Listener shared) {
  shared.spec_ = spec;
  return shared;
}

// Finds out what the socket is called and, for a UNIX socket, which file is its own.
Status Listener::Identify() {
  address_ = TRY(SocketAddress::Of(fd_.get()));
  name_ = address_.text();
  if (!is_unix()) {
    // The host stays as it was written (":9090", "localhost:80"); descriptors that were given have
    // no better name.
    const size_t colon = bound_as_.rfind(':');
    const bool is_written =
        colon != std::string::npos && !StartsWith(bound_as_, "fd://") && !EndsWith(bound_as_, "::");
    if (is_written) name_ = fmt::format("{}:{}", bound_as_.substr(0, colon), port());
    return {};
  }
  if (address_.is_abstract()) return {};
  path_ = AbsolutePath(name_);
  struct stat file {};
  if (::lstat(path_.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) {
    inode_ = file.st_ino;
    device_ = file.st_dev;
  }
  return {};
}

int Listener::backlog() const { return BacklogOf(spec_); }

Status Listener::Renew() const {
  if (::listen(fd(), BacklogOf(spec_)) != 0) return Refuse(spec_, "listen()", errno);
  return OwnsFile() ? SetFileRights(spec_, path_) : Status();
}

void Listener::RefuseClients() const {
  const auto opened_as = ParseListenAddress(bound_as_);
  const bool is_ours = source_ == ListenerSource::kBound || source_ == ListenerSource::kPredecessor;
  if (is_ours && opened_as && opened_as->kind == ListenAddress::Kind::kAddress) {
    ::shutdown(fd(), SHUT_RDWR);
  }
}

bool Listener::IsBoundTo(const struct stat& file) const {
  return file.st_ino == inode_ && file.st_dev == device_;
}

bool Listener::OwnsFile() const {
  struct stat file {};
  return !path_.empty() && ::lstat(path_.c_str(), &file) == 0 && IsBoundTo(file);
}

Status Listener::RemoveFile() const {
  if (path_.empty()) return {};
  struct stat file {};
  if (::lstat(path_.c_str(), &file) != 0) return ErrnoError("unix socket " + name_, errno);
  if (!IsBoundTo(file)) return Fail("unix socket {} changed inode. Skip removal", name_);
  if (::unlink(path_.c_str()) != 0) return ErrnoError("remove unix socket " + name_, errno);
  return {};
}

std::string Listener::StartLine(int index) const {
  if (spec_.protocol == ListenerProtocol::kHttp && !spec_.is_shared) {
    return fmt::format("uWSGI http bound on {} fd {}", name_, fd());
  }
  if (spec_.shared_index >= 0) {
    return fmt::format("uwsgi socket {} mapped to shared socket {} ({}) fd {}", index,
                       spec_.shared_index, name_, fd());
  }
  const std::string_view kind = spec_.is_shared ? "shared socket" : "socket";
  if (source_ == ListenerSource::kBound) {
    return fmt::format("uwsgi {} {} bound to {} address {}{} fd {}", kind, index,
                       FamilyLabel(address_), name_, auto_port_ ? " (port auto-assigned)" : "",
                       fd());
  }
  return fmt::format("uwsgi {} {} {} {} address {} fd {}", kind, index,
                     source_ == ListenerSource::kActivation ? "attached to" : "inherited",
                     is_unix() ? "UNIX" : "INET", name_, fd());
}

int SystemBacklogLimit() {
  const auto text = ReadFile("/proc/sys/net/core/somaxconn");
  const auto limit = text ? ParseInt(Trim(*text)) : std::nullopt;
  return limit ? static_cast<int>(*limit) : SOMAXCONN;
}

}  // namespace uwsgi
