// SPDX-License-Identifier: Apache-2.0
#include "process/stats_door.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace uwsgi {
namespace {

constexpr size_t kMostClients = 256;   // the others wait to be accepted
constexpr int kAcceptsInARow = 32;     // before the loop looks at something else
constexpr int64_t kPauseUs = 200'000;  // without descriptors

}  // namespace

StatsDoor::~StatsDoor() {
  Shut();
  loop_.Cancel(pause_);
}

void StatsDoor::Open() {
  if (watch_ != 0) return;
  auto watch = loop_.Watch(listener_.fd(), kReadable, [this](uint32_t) { Accept(); });
  if (watch) watch_ = *watch;
}

void StatsDoor::Shut() { loop_.Unwatch(std::exchange(watch_, 0)); }

void StatsDoor::Hurry(bool keep_silent) {
  Accept();
  for (const auto& [id, client] : clients_) client->Hurry(keep_silent);
}

std::vector<int> StatsDoor::unanswered() const {
  std::vector<int> sockets;
  for (const auto& [id, client] : clients_) {
    if (const int fd = client->unanswered_fd(); fd >= 0) sockets.push_back(fd);
  }
  return sockets;
}

void StatsDoor::LeaveInChild() {
  for (auto& [id, client] : clients_) client->LeaveInChild();
}

void StatsDoor::Accept() {
  for (int taken = 0; taken < kAcceptsInARow; ++taken) {
    if (clients_.size() >= kMostClients) return Shut();
    UniqueFd socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      Admit(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      Shut();
      pause_ = loop_.After(kPauseUs, [this] { Open(); });
      return;
    }
  }
}

void StatsDoor::Admit(UniqueFd socket) {
  const uint64_t id = ++last_client_;
  auto client = std::make_unique<StatsClient>(
      loop_, std::move(socket), patience_,
      StatsClient::Callbacks{
          .answer = [this](const StatsRequest& request) { return answer_(request); },
          .done = [this, id] { loop_.Defer([this, id] { Leave(id); }); }});
  StatsClient& admitted = *clients_.emplace(id, std::move(client)).first->second;
  if (!admitted.Begin()) clients_.erase(id);
}

void StatsDoor::Leave(uint64_t id) {
  clients_.erase(id);
  if (clients_.size() < kMostClients) Open();
}

}  // namespace uwsgi
