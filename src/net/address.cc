// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "base/strings.h"

namespace uwsgi {

namespace {

constexpr size_t kUnixPrefix = offsetof(sockaddr_un, sun_path);
constexpr size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

sockaddr_in& AsIpv4(SocketAddress& address) {
  return reinterpret_cast<sockaddr_in&>(address.storage);
}
const sockaddr_in& AsIpv4(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
sockaddr_in6& AsIpv6(SocketAddress& address) {
  return reinterpret_cast<sockaddr_in6&>(address.storage);
}
const sockaddr_in6& AsIpv6(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

// The path, or the abstract name without the NUL in front.
std::string_view UnixName(const SocketAddress& address) {
  const auto& unix_address = reinterpret_cast<const sockaddr_un&>(address.storage);
  if (address.length <= kUnixPrefix) return {};
  const size_t size = address.length - kUnixPrefix;
  if (address.is_abstract()) return {unix_address.sun_path + 1, size - 1};
  return {unix_address.sun_path, ::strnlen(unix_address.sun_path, size)};
}

SocketAddress MakeUnix(std::string_view path) {
  SocketAddress made;
  auto& unix_address = reinterpret_cast<sockaddr_un&>(made.storage);
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path, path.data(), path.size());
  made.length = static_cast<socklen_t>(kUnixPrefix + path.size() + 1);
  return made;
}

// The name exactly, without a NUL behind it.
SocketAddress MakeAbstract(std::string_view name) {
  SocketAddress made;
  auto& unix_address = reinterpret_cast<sockaddr_un&>(made.storage);
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path + 1, name.data(), name.size());
  made.length = static_cast<socklen_t>(kUnixPrefix + 1 + name.size());
  return made;
}

SocketAddress MakeIpv4(in_addr address, uint16_t port) {
  SocketAddress made;
  AsIpv4(made).sin_family = AF_INET;
  AsIpv4(made).sin_addr = address;
  AsIpv4(made).sin_port = htons(port);
  made.length = sizeof(sockaddr_in);
  return made;
}

Result<SocketAddress> Resolve(const std::string& host, int family, int flags, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) return Fail("unable to resolve {}: {}", host, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  SocketAddress made;
  std::memcpy(&made.storage, found->ai_addr, found->ai_addrlen);
  made.length = found->ai_addrlen;
  if (made.family() == AF_INET6) {
    AsIpv6(made).sin6_port = htons(port);
  } else {
    AsIpv4(made).sin_port = htons(port);
  }
  return made;
}

// compat: 127.*:port (reference 20 section 2)
Result<SocketAddress> FindInterface(std::string_view prefix, uint16_t port) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return ErrnoError("getifaddrs()", errno);
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
  for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
    if (!StartsWith(PeerAddress(at->ifa_addr).text(), prefix)) continue;
    return MakeIpv4(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, port);
  }
  return Fail("no network interface has an address that begins with {}", prefix);
}

Result<SocketAddress> ResolveHost(std::string_view host, uint16_t port) {
  if (host.empty()) return MakeIpv4({htonl(INADDR_ANY)}, port);
  if (host.front() == '[' && host.back() == ']') {
    return Resolve(std::string(host.substr(1, host.size() - 2)), AF_INET6, AI_NUMERICHOST, port);
  }
  if (host.find(':') != std::string_view::npos) {
    return Fail("an IPv6 address needs brackets: [{}]:{}", host, port);
  }
  if (host.back() == '*') return FindInterface(host.substr(0, host.size() - 1), port);
  in_addr numeric{};
  const std::string name(host);
  if (::inet_pton(AF_INET, name.c_str(), &numeric) == 1) return MakeIpv4(numeric, port);
  // compat: names mean IPv4 where they have it
  auto resolved = Resolve(name, AF_INET, 0, port);
  if (resolved) return resolved;
  auto resolved6 = Resolve(name, AF_INET6, 0, port);
  return resolved6 ? resolved6 : resolved;
}

Result<SocketAddress> ParseUnixAddress(std::string_view text) {
  const bool escaped = StartsWith(text, "\\0");  // compat: \0name is another way to write @name
  const bool abstract = escaped || StartsWith(text, "@");
  const std::string_view name = text.substr(escaped ? 2 : abstract ? 1 : 0);
  if (name.empty()) return Fail("not a socket address: \"{}\"", text);
  if (name.size() > kUnixPathMax) {
    return Fail("the path of a UNIX socket has at most {} bytes, this one has {}: {}", kUnixPathMax,
                name.size(), text);
  }
  if (name.find('\0') != std::string_view::npos) return Fail("NUL in the path of a UNIX socket");
  return abstract ? MakeAbstract(name) : MakeUnix(name);
}

std::optional<int> ParseNumber(std::string_view text, int largest) {
  const auto number = ParseInt(text);
  if (!number || *number < 0 || *number > largest) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

Result<SocketAddress> SocketAddress::Of(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.length) != 0) {
    return ErrnoError(fmt::format("getsockname({})", fd), errno);
  }
  return address;
}

bool SocketAddress::is_abstract() const {
  return is_unix() && length > kUnixPrefix &&
         reinterpret_cast<const sockaddr_un&>(storage).sun_path[0] == '\0';
}

int SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(AsIpv4(*this).sin_port);
  if (family() == AF_INET6) return ntohs(AsIpv6(*this).sin6_port);
  return 0;
}

std::string SocketAddress::text() const {
  if (is_abstract()) return fmt::format("@{}", UnixName(*this));
  if (is_unix()) return std::string(UnixName(*this));
  char host[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &AsIpv6(*this).sin6_addr, host, sizeof host);
    return fmt::format("[{}]:{}", host, port());
  }
  ::inet_ntop(AF_INET, &AsIpv4(*this).sin_addr, host, sizeof host);
  return fmt::format("{}:{}", host, port());
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (is_unix()) {
    return is_abstract() == other.is_abstract() && UnixName(*this) == UnixName(other);
  }
  if (family() == AF_INET) {
    return AsIpv4(*this).sin_addr.s_addr == AsIpv4(other).sin_addr.s_addr;
  }
  return std::memcmp(&AsIpv6(*this).sin6_addr, &AsIpv6(other).sin6_addr, sizeof(in6_addr)) == 0 &&
         AsIpv6(*this).sin6_scope_id == AsIpv6(other).sin6_scope_id;
}

Result<SocketAddress> ParseSocketAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return ParseUnixAddress(text);
  const std::string_view port_text = text.substr(colon + 1);
  const auto port = port_text.empty() ? 0 : ParseNumber(port_text, 65535);
  if (!port) return Fail("not a port: \"{}\" in {}", port_text, text);
  return ResolveHost(text.substr(0, colon), static_cast<uint16_t>(*port));
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  using Kind = ListenAddress::Kind;
  if (StartsWith(text, "=")) {
    const auto number = ParseNumber(text.substr(1), 65535);
    if (!number) return Fail("not the number of a shared socket: \"{}\"", text);
    return ListenAddress{.kind = Kind::kShared, .number = *number};
  }
  if (StartsWith(text, "fd://")) {
    const auto number = ParseNumber(text.substr(5), 1 << 20);
    if (!number) return Fail("not the number of a descriptor: \"{}\"", text);
    return ListenAddress{.kind = Kind::kInherited, .number = *number};
  }
  if (EndsWith(text, "::")) return ListenAddress{.kind = Kind::kInherited, .number = 0};
  return ListenAddress{.address = TRY(ParseSocketAddress(text))};
}

PeerAddress::PeerAddress(std::string_view text, uint16_t port)
    : size_(static_cast<uint8_t>(std::min(text.size(), text_.size()))), port_(port) {
  std::copy_n(text.data(), size_, text_.data());
}

PeerAddress::PeerAddress(const sockaddr* address) {
  in_addr ipv4{};
  if (address->sa_family == AF_INET) {
    const auto* peer = reinterpret_cast<const sockaddr_in*>(address);
    port_ = ntohs(peer->sin_port);
    ipv4 = peer->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    const auto* peer = reinterpret_cast<const sockaddr_in6*>(address);
    port_ = ntohs(peer->sin6_port);
    if (!IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr)) {
      ::inet_ntop(AF_INET6, &peer->sin6_addr, text_.data(), static_cast<socklen_t>(text_.size()));
      size_ = static_cast<uint8_t>(std::strlen(text_.data()));
      return;
    }
    std::memcpy(&ipv4, peer->sin6_addr.s6_addr + 12, sizeof ipv4);
  } else {
    return;
  }
  // By hand: inet_ntop() goes through printf, and this runs for every connection.
  const auto* bytes = reinterpret_cast<const uint8_t*>(&ipv4);
  char* at = text_.data();
  for (int i = 0; i < 4; ++i) {
    if (i > 0) *at++ = '.';
    at = std::to_chars(at, text_.data() + text_.size(), bytes[i]).ptr;
  }
  size_ = static_cast<uint8_t>(at - text_.data());
}

namespace {

std::array<uint8_t, 16> MappedIpv4(const in_addr& address) {
  std::array<uint8_t, 16> bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + 12, &address, 4);
  return bytes;
}

struct NumericAddress {
  std::array<uint8_t, 16> bytes;
  bool is_ipv4;
};

std::optional<NumericAddress> ParseNumericAddress(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  if (std::strlen(terminated) != text.size()) return std::nullopt;
  in_addr ipv4{};
  if (::inet_pton(AF_INET, terminated, &ipv4) == 1) return NumericAddress{MappedIpv4(ipv4), true};
  NumericAddress ipv6{{}, false};
  if (::inet_pton(AF_INET6, terminated, ipv6.bytes.data()) != 1) return std::nullopt;
  return ipv6;
}

}  // namespace

Result<CidrSet> CidrSet::Parse(std::string_view list) {
  CidrSet set;
  for (const std::string_view part : Split(list, ',')) {
    for (const std::string_view entry : SplitWords(part)) TRY_STATUS(set.Add(entry));
  }
  return set;
}

Status CidrSet::Add(std::string_view entry) {
  if (entry == "unix") {
    has_unix_ = true;
    return {};
  }
  const size_t slash = entry.find('/');
  const auto address = ParseNumericAddress(entry.substr(0, slash));
  if (!address) return Fail("not an address, a network or \"unix\": \"{}\"", entry);
  const int width = address->is_ipv4 ? 32 : 128;
  int prefix = width;
  if (slash != std::string_view::npos) {
    const auto given = ParseNumber(entry.substr(slash + 1), width);
    if (!given) return Fail("not a prefix length of 0 to {}: \"{}\"", width, entry);
    prefix = *given;
  }
  networks_.push_back({address->bytes, static_cast<unsigned>(prefix + 128 - width)});
  return {};
}

bool CidrSet::Contains(const sockaddr* peer) const {
  switch (peer->sa_family) {
    case AF_UNIX:
      return has_unix_;
    case AF_INET:
      return Contains(MappedIpv4(reinterpret_cast<const sockaddr_in*>(peer)->sin_addr));
    case AF_INET6: {
      Bytes bytes;
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(peer)->sin6_addr, 16);
      return Contains(bytes);
    }
    default:
      return false;
  }
}

bool CidrSet::Contains(std::string_view address) const {
  const auto numeric = ParseNumericAddress(address);
  return numeric && Contains(numeric->bytes);
}

bool CidrSet::Contains(const Bytes& address) const {
  for (const Network& network : networks_) {
    const size_t whole = network.prefix / 8;
    if (std::memcmp(network.bytes.data(), address.data(), whole) != 0) continue;
    const unsigned rest = network.prefix % 8;
    if (rest == 0) return true;
    if ((network.bytes[whole] ^ address[whole]) >> (8 - rest) == 0) return true;
  }
  return false;
}

}  // namespace uwsgi
