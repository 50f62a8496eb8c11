// SPDX-License-Identifier: Apache-2.0
#include "process/listen_queue_duty.h"

#include "base/log.h"
#include "net/listener.h"
#include "process/messages.h"
#include "process/worker_main.h"
#include "service/alarm.h"

namespace uwsgi {
namespace {

constexpr int64_t kSecond = 1'000'000;

}  // namespace

Status ListenQueueDuty::Begin(MasterDesk& desk) {
  desk_ = &desk;
  desk.loop().Every(kSecond, [this] { Look(); });
  return {};
}

void ListenQueueDuty::Look() {
  const Alarms& alarms = *desk_->serving().services->alarms;
  for (const Listener* listener : desk_->serving().listeners) {
    const ListenQueue queue = listener->queue();
    if (queue.limit <= 0 || queue.waiting < queue.limit) continue;
    const std::string text =
        message::ListenQueueFull(listener->name(), listener->fd(), queue.waiting, queue.limit);
    LogDated("*** uWSGI {} ***", text);
    alarms.RaiseAll(alarms.spec().on_full_queue, text);
  }
}

}  // namespace uwsgi
