// SPDX-License-Identifier: Apache-2.0
#include "service/cache_peers.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"

namespace uwsgi {
namespace {

constexpr size_t kLongestDatagram = 65536;
// So that a flood does not keep the master from everything else.
constexpr int kDatagramsAtOnce = 256;

Result<UniqueFd> MakeUdpSocket(const SocketAddress& address) {
  UniqueFd socket(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return ErrnoError("socket", errno);
  return socket;
}

}  // namespace

Result<CacheTeller> CacheTeller::Create(const std::vector<std::string>& nodes) {
  CacheTeller teller;
  for (const std::string& node : nodes) {
    const SocketAddress address = TRY(ParseSocketAddress(node));
    teller.ways_.push_back({TRY(MakeUdpSocket(address)), address});
  }
  return teller;
}

void CacheTeller::Tell(const CacheNotice& notice) const {
  const auto packet = MakeCacheNotice(notice);
  if (!packet) return;
  for (const Way& way : ways_) {
    static_cast<void>(::sendto(way.socket.get(), packet->data(), packet->size(), MSG_DONTWAIT,
                               way.address.get(), way.address.length));
  }
}

Result<CacheHearer> CacheHearer::Bind(const std::string& text, Cache& cache) {
  const SocketAddress address = TRY(ParseSocketAddress(text));
  UniqueFd socket = TRY(MakeUdpSocket(address));
  if (::bind(socket.get(), address.get(), address.length) != 0)
    return ErrnoError(fmt::format("bind {} for cache \"{}\"", text, cache.name()), errno);
  Log("*** udp server for cache \"{}\" on {} ***", cache.name(), text);
  return CacheHearer(std::move(socket), cache);
}

void CacheHearer::Hear() {
  std::string bytes(kLongestDatagram, '\0');
  for (int i = 0; i < kDatagramsAtOnce; ++i) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0) return;
    const auto notice = ReadCacheNotice(ByteView(bytes).substr(0, static_cast<size_t>(got)));
    if (notice) cache_->Apply(*notice);
  }
}

}  // namespace uwsgi
