// SPDX-License-Identifier: Apache-2.0
#include "process/stats_push.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/file.h"
#include "base/host_name.h"
#include "base/log.h"
#include "process/push_text.h"
#include "process/stats_view.h"
#include "process/worker_main.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

}  // namespace

// --- stats-push ---

Status StatsPush::Begin(MasterDesk& desk) {
  desk_ = &desk;
  for (size_t i = 0; i < spec_.pushers.size(); ++i) {
    const PushSpec& push = spec_.pushers[i];
    UniqueFd socket;
    if (push.kind != PushKind::kFile) {
      socket.Reset(::socket(push.address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (!socket.valid()) return ErrnoError("stats-push: socket()", errno);
    }
    sockets_.push_back(std::move(socket));
    desk.loop().Every(push.every_s * kSecond, [this, i] { Push(i); });
  }
  return {};
}

void StatsPush::Push(size_t index) {
  const PushSpec& push = spec_.pushers[index];
  push.kind == PushKind::kFile ? WriteFile(push) : SendMetrics(push, sockets_[index].get());
}

// compat: whole documents one behind the other; mode 0640.
void StatsPush::WriteFile(const PushSpec& push) {
  MeasureMemory(*desk_->serving().scoreboard);
  // A FIFO that nobody reads, or one that is full, must not hold the master up.
  const auto file = OpenFile(push.path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0640);
  const std::string text = WriteStatsJson(LookAround(*desk_, spec_), spec_.style) + push.separator;
  const Status written = file ? WriteAll(file->get(), text) : Status(tl::unexpected(file.error()));
  if (!written && !complained_) Log("stats-push: {}", written.error().text());
  complained_ = !written;
}

void StatsPush::SendMetrics(const PushSpec& push, int fd) {
  const Metrics* const metrics = desk_->serving().services->metrics;
  if (metrics == nullptr) return;
  for (const Metrics::Row& row : metrics->rows()) {
    const int64_t value = row.Get();
    const std::string text = PushText(push, row, value);
    const ssize_t sent = ::sendto(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                  push.address.get(), push.address.length);
    if (sent >= 0) Metrics::Pushed(row, value);
  }
}

// --- carbon ---

struct CarbonPush::Delivery {
  size_t server = 0;
  UniqueFd socket;
  WatchId watch = 0;
  TimerId timer = 0;
  std::string text;
  size_t sent = 0;
  int64_t retries = 0;
};

CarbonPush::CarbonPush(const StatsSpec& spec) : spec_(spec) {}

CarbonPush::~CarbonPush() = default;

Status CarbonPush::Begin(MasterDesk& desk) {
  desk_ = &desk;
  const CarbonSpec& carbon = spec_.carbon;
  host_ = carbon.host_dots.empty() ? HostName() : CarbonPart(HostName(), carbon.host_dots);
  const auto& listeners = desk.serving().listeners;
  const std::string name = listeners.empty() ? "uwsgi" : listeners.front()->name();
  id_ = carbon.id.empty() ? CarbonPart(name, {}) : carbon.id;
  for (size_t i = 0; i < carbon.addresses.size(); ++i) {
    auto delivery = std::make_unique<Delivery>();
    delivery->server = i;
    deliveries_.push_back(std::move(delivery));
    Log("added carbon server {}", carbon.servers[i]);
  }
  desk.loop().Every(carbon.every_s * kSecond, [this] { Deliver(); });
  return {};
}

void CarbonPush::LeaveInChild() {
  for (const auto& delivery : deliveries_) delivery->socket.Reset();
}

void CarbonPush::Deliver() {
  const ServingParts& serving = desk_->serving();
  MeasureMemory(*serving.scoreboard);
  const CarbonFacts facts{
      .scoreboard = serving.scoreboard,
      .metrics = spec_.carbon.with_metrics ? serving.services->metrics : nullptr,
      .host = host_,
      .id = id_,
      .now_s = WallMicros() / kSecond};
  const std::string text = CarbonText(spec_.carbon, facts);
  for (const auto& delivery : deliveries_) {
    Finish(*delivery);
    delivery->text = text;
    delivery->retries = 0;
    Start(*delivery);
  }
}

void CarbonPush::Start(Delivery& delivery) {
  const SocketAddress& address = spec_.carbon.addresses[delivery.server];
  delivery.sent = 0;
  delivery.socket.Reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!delivery.socket.valid()) return Fail(delivery, errno);
  if (::connect(delivery.socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS)
    return Fail(delivery, errno);
  auto watch = desk_->loop().Watch(delivery.socket.get(), kWritable,
                                   [this, &delivery](uint32_t) { Continue(delivery); });
  if (!watch) return Fail(delivery, ENOMEM);
  delivery.watch = *watch;
  delivery.timer = desk_->loop().After(spec_.carbon.timeout_s * kSecond,
                                       [this, &delivery] { Fail(delivery, ETIMEDOUT); });
}

void CarbonPush::Continue(Delivery& delivery) {
  while (delivery.sent < delivery.text.size()) {
    const ssize_t sent = ::send(delivery.socket.get(), delivery.text.data() + delivery.sent,
                                delivery.text.size() - delivery.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return Fail(delivery, errno);
    delivery.sent += static_cast<size_t>(sent);
  }
  Finish(delivery);
}

void CarbonPush::Fail(Delivery& delivery, int error) {
  Finish(delivery);
  Log("[carbon] unable to send to {}: {}", spec_.carbon.servers[delivery.server],
      ::strerror(error));
  if (++delivery.retries > spec_.carbon.most_retries) return;
  delivery.timer = desk_->loop().After(spec_.carbon.retry_delay_s * kSecond,
                                       [this, &delivery] { Start(delivery); });
}

void CarbonPush::Finish(Delivery& delivery) {
  desk_->loop().Unwatch(std::exchange(delivery.watch, 0));
  desk_->loop().Cancel(std::exchange(delivery.timer, 0));
  delivery.socket.Reset();
}

}  // namespace uwsgi
