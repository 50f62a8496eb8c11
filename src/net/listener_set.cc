// SPDX-License-Identifier: Apache-2.0
#include "net/listener_set.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

namespace uwsgi {

namespace {

bool IsAny(const SocketAddress& address) {
  if (address.family() == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr.s_addr == INADDR_ANY;
  }
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr);
}

// Whether the kernel would refuse both; ports that it chooses itself never clash.
bool Overlap(const SocketAddress& a, const SocketAddress& b) {
  if (a.family() != b.family()) return false;
  if (!a.is_unix()) {
    if (a.port() == 0 || a.port() != b.port()) return false;
    return a == b || IsAny(a) || IsAny(b);
  }
  if (a.is_abstract() || b.is_abstract()) return a == b;
  const auto full = [](const SocketAddress& address) {
    return std::filesystem::path(AbsolutePath(address.text())).lexically_normal();
  };
  return full(a) == full(b);
}

bool IsListening(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

// A UNIX socket whose file somebody has removed cannot be reached any more.
bool IsReachable(const SocketAddress& address) {
  struct stat file {};
  return !address.is_unix() || address.is_abstract() ||
         (::lstat(address.text().c_str(), &file) == 0 && S_ISSOCK(file.st_mode));
}

// Opens one spec after the other, from what was inherited where that fits.
class Opening {
 public:
  explicit Opening(std::vector<InheritedSocket> inherited) : inherited_(std::move(inherited)) {}

  Result<Listener> Open(const ListenerSpec& spec) {
    auto parsed = ParseListenAddress(spec.address);
    if (!parsed) return Fail("{} {}", parsed.error().text(), Where(spec));
    if (parsed->kind == ListenAddress::Kind::kShared) {
      return Fail("{} is no address that can be bound {}", spec.address, Where(spec));
    }
    const bool is_address = parsed->kind == ListenAddress::Kind::kAddress;
    if (is_address) TRY_STATUS(RefuseTwice(spec, parsed->address));
    Listener listener = TRY(Make(spec, *parsed));
    taken_.push_back({listener.address(), spec});
    return listener;
  }

  // What is left of one source.
  Result<std::vector<Listener>> AdoptRest(ListenerSource source, const ListenerSpec& extra) {
    std::vector<Listener> adopted;
    for (InheritedSocket& socket : inherited_) {
      if (!socket.fd.valid() || socket.source != source) continue;
      ListenerSpec spec = extra;
      spec.address = TRY(SocketAddress::Of(socket.fd.get())).text();
      adopted.push_back(TRY(Listener::Adopt(spec, std::move(socket.fd), source)));
    }
    return adopted;
  }

 private:
  Result<Listener> Make(const ListenerSpec& spec, const ListenAddress& wanted) {
    InheritedSocket* const inherited = Find(spec, wanted);
    if (inherited != nullptr) {
      return Listener::Adopt(spec, std::move(inherited->fd), inherited->source);
    }
    if (wanted.kind == ListenAddress::Kind::kAddress) return Listener::Bind(spec, &patience_);
    if (!IsListening(wanted.number)) {
      return Fail("descriptor {} is not a listening socket {}", wanted.number, Where(spec));
    }
    return Listener::Adopt(spec, UniqueFd(wanted.number));
  }

  InheritedSocket* Find(const ListenerSpec& spec, const ListenAddress& wanted) {
    for (InheritedSocket& socket : inherited_) {
      if (!socket.fd.valid()) continue;
      const auto actual = SocketAddress::Of(socket.fd.get());
      if (!actual || !IsReachable(*actual)) continue;
      const bool same_text = !socket.address.empty() && socket.address == spec.address;
      if (same_text || IsWanted(socket, *actual, wanted)) return &socket;
    }
    return nullptr;
  }

  static bool IsWanted(const InheritedSocket& socket, const SocketAddress& actual,
                       const ListenAddress& wanted) {
    if (wanted.kind == ListenAddress::Kind::kAddress) return actual == wanted.address;
    if (socket.source == ListenerSource::kStandardInput) return wanted.number == STDIN_FILENO;
    return socket.fd.get() == wanted.number;
  }

  Status RefuseTwice(const ListenerSpec& spec, const SocketAddress& address) {
    for (const auto& [other_address, other_spec] : taken_) {
      if (!Overlap(address, other_address)) continue;
      return Fail("the same address is given twice: {} and {}", Where(other_spec), Where(spec));
    }
    return {};
  }

  std::vector<InheritedSocket> inherited_;
  std::vector<std::pair<SocketAddress, ListenerSpec>> taken_;
  BindPatience patience_;
};

// Each =N takes the shared socket that it names.
class SharedSockets {
 public:
  void Add(Listener listener) { sockets_.emplace_back(std::move(listener)); }
  [[nodiscard]] int count() const { return static_cast<int>(sockets_.size()); }

  Result<Listener> Map(const ListenerSpec& spec) {
    const auto index = static_cast<size_t>(spec.shared_index);
    if (index >= sockets_.size()) {
      return Fail("unable to use shared socket {} {}", spec.shared_index, Where(spec));
    }
    for (const ListenerSpec& other : mapped_) {
      if (other.shared_index != spec.shared_index) continue;
      return Fail("the same address is given twice: {} and {}", Where(other), Where(spec));
    }
    mapped_.push_back(spec);
    Listener shared = std::move(*sockets_[index]);
    sockets_[index].reset();
    return Listener::Map(spec, std::move(shared));
  }

  std::vector<Listener> TakeRest() {
    std::vector<Listener> rest;
    for (auto& socket : sockets_) {
      if (socket) rest.push_back(std::move(*socket));
    }
    return rest;
  }

 private:
  std::vector<std::optional<Listener>> sockets_;
  std::vector<ListenerSpec> mapped_;
};

}  // namespace

Result<ListenerSet> ListenerSet::Bind(std::span<const ListenerSpec> specs,
                                      std::vector<InheritedSocket> inherited,
                                      const ListenerSpec& extra) {
  ListenerSet set;
  Opening opening(std::move(inherited));
  SharedSockets shared;
  for (const ListenerSpec& spec : specs) {
    if (!spec.is_shared) continue;
    Listener listener = TRY(opening.Open(spec));
    set.start_lines_.push_back(listener.StartLine(shared.count()));
    shared.Add(std::move(listener));
  }
  for (const ListenerSpec& spec : specs) {
    if (spec.is_shared) continue;
    set.listeners_.push_back(spec.shared_index >= 0 ? TRY(shared.Map(spec))
                                                    : TRY(opening.Open(spec)));
  }
  set.unused_shared_ = shared.TakeRest();
  auto activated = TRY(opening.AdoptRest(ListenerSource::kActivation, extra));
  set.listeners_.insert(set.listeners_.begin(), std::make_move_iterator(activated.begin()),
                        std::make_move_iterator(activated.end()));
  auto standard_input = TRY(opening.AdoptRest(ListenerSource::kStandardInput, extra));
  set.listeners_.insert(set.listeners_.end(), std::make_move_iterator(standard_input.begin()),
                        std::make_move_iterator(standard_input.end()));
  set.NumberTheLines();
  return set;
}

void ListenerSet::NumberTheLines() {
  int sockets = 0;
  for (const Listener& listener : listeners_) {
    start_lines_.push_back(listener.StartLine(sockets));
    // compat: the sockets of `http` are not counted (reference 20 section 3)
    if (listener.spec().protocol != ListenerProtocol::kHttp) ++sockets;
  }
}

std::vector<const Listener*> ListenerSet::pointers() const {
  std::vector<const Listener*> all;
  for (const Listener& listener : listeners_) all.push_back(&listener);
  return all;
}

Result<std::vector<std::string>> ListenerSet::HandOver() const {
  std::vector<std::string> texts;
  for (const auto* group : {&listeners_, &unused_shared_}) {
    for (const Listener& listener : *group) {
      TRY_STATUS(SetCloseOnExec(listener.fd(), false));
      texts.push_back(fmt::format("{} {} {}", listener.fd(), static_cast<int>(listener.source()),
                                  listener.bound_as()));
    }
  }
  return texts;
}

Status ListenerSet::TakeBack() const {
  for (const auto* group : {&listeners_, &unused_shared_}) {
    for (const Listener& listener : *group) TRY_STATUS(SetCloseOnExec(listener.fd(), true));
  }
  return {};
}

void ListenerSet::Renew() const {
  for (const Listener& listener : listeners_) {
    if (listener.source() != ListenerSource::kPredecessor) continue;
    if (const Status renewed = listener.Renew(); !renewed) LogLine(renewed.error().text());
  }
}

std::vector<InheritedSocket> ParseHandOver(std::span<const std::string> texts) {
  std::vector<InheritedSocket> sockets;
  for (const std::string_view line : texts) {
    const size_t first = line.find(' ');
    const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) continue;
    const auto fd = ParseInt(line.substr(0, first));
    const auto source = ParseInt(line.substr(first + 1, second - first - 1));
    if (!fd || !source || *source > static_cast<int64_t>(ListenerSource::kStandardInput)) continue;
    if (!IsListening(static_cast<int>(*fd))) continue;
    // What was bound here before was bound by the predecessor now.
    const auto origin = static_cast<ListenerSource>(*source);
    sockets.push_back({UniqueFd(static_cast<int>(*fd)),
                       origin == ListenerSource::kBound ? ListenerSource::kPredecessor : origin,
                       std::string(line.substr(second + 1))});
  }
  return sockets;
}

std::vector<InheritedSocket> TakeActivatedSockets(std::string_view listen_pid,
                                                  std::string_view listen_fds) {
  constexpr int kFirst = 3;
  constexpr int kMost = 1024;
  std::vector<InheritedSocket> sockets;
  const auto pid = ParseInt(listen_pid);
  const auto count = ParseInt(listen_fds);
  if (!pid || *pid != ::getpid() || !count || *count > kMost) return sockets;
  for (int fd = kFirst; fd < kFirst + *count; ++fd) {
    if (IsListening(fd)) sockets.push_back({UniqueFd(fd), ListenerSource::kActivation, ""});
  }
  return sockets;
}

Result<std::vector<InheritedSocket>> TakeStandardInput() {
  std::vector<InheritedSocket> sockets;
  if (!IsListening(STDIN_FILENO)) return sockets;
  UniqueFd copy(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy.valid()) return ErrnoError("copy descriptor 0", errno);
  // Programs that the application starts must not find the socket as their standard input.
  const UniqueFd null = TRY(OpenFile("/dev/null", O_RDWR));
  if (::dup2(null.get(), STDIN_FILENO) < 0) return ErrnoError("replace descriptor 0", errno);
  sockets.push_back({std::move(copy), ListenerSource::kStandardInput, ""});
  return sockets;
}

}  // namespace uwsgi
