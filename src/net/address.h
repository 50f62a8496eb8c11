// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// Where a socket is or goes to: IPv4, IPv6 or UNIX (a path or a Linux abstract name).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  // What getsockname() says about the descriptor.
  static Result<SocketAddress> Of(int fd);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] bool is_unix() const { return family() == AF_UNIX; }
  [[nodiscard]] bool is_abstract() const;
  // 0 when there is none.
  [[nodiscard]] int port() const;
  // As users write it: 127.0.0.1:80, [::1]:80, /run/app.sock, @name.
  [[nodiscard]] std::string text() const;

  // The same place: compares family, address and port, or path.
  bool operator==(const SocketAddress& other) const;
};

// Reads an address to bind or to connect to (reference 20 section 2): host:port, :port (any IPv4
// address), [v6]:port, name:port (asks the system's resolver, and may wait for it), 127.*:port (the
// first interface whose address begins so), path, @name. An empty port is 0. Anything with a colon
// is an internet address. Fails on what is none, on a host that does not resolve and on paths
// longer than the kernel takes (107 bytes).
Result<SocketAddress> ParseSocketAddress(std::string_view text);

// What may stand where a listener is asked for: an address, `=N` (shared socket N), or a descriptor
// that was inherited
// (`fd://N`, or anything that ends with `::` for descriptor 0).
struct ListenAddress {
  enum class Kind : uint8_t { kAddress, kShared, kInherited };
  Kind kind = Kind::kAddress;
  int number = 0;         // of the shared socket or the descriptor
  SocketAddress address;  // of kAddress
};
Result<ListenAddress> ParseListenAddress(std::string_view text);

// The address of a client as text, made without allocating. Clients of a UNIX socket have none:
// empty text, port 0. IPv4 in IPv6 (::ffff:192.0.2.1) is shown as IPv4.
class PeerAddress {
 public:
  PeerAddress() = default;
  explicit PeerAddress(const sockaddr* address);
  // What somebody who is trusted says about the client; longer texts than addresses are cut.
  PeerAddress(std::string_view text, uint16_t port);

  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  std::array<char, INET6_ADDRSTRLEN> text_{};
  uint8_t size_ = 0;
  uint16_t port_ = 0;
};

// A set of peers, for options that name whom to trust: addresses, networks (10.0.0.0/8, fd00::/8)
// and the word `unix` for every peer of a UNIX socket.
class CidrSet {
 public:
  // Entries between commas and blanks.
  static Result<CidrSet> Parse(std::string_view list);
  Status Add(std::string_view entry);

  [[nodiscard]] bool empty() const { return networks_.empty() && !has_unix_; }
  [[nodiscard]] bool Contains(const sockaddr* peer) const;
  // The same for an address in text, as in X-Forwarded-For; false when it is no address.
  [[nodiscard]] bool Contains(std::string_view address) const;

 private:
  using Bytes = std::array<uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  struct Network {
    Bytes bytes;
    unsigned prefix;  // how many bits count
  };
  [[nodiscard]] bool Contains(const Bytes& address) const;

  std::vector<Network> networks_;
  bool has_unix_ = false;
};

}  // namespace uwsgi
