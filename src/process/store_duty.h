// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "process/duty.h"
#include "service/cache_peers.h"
#include "service/caches.h"
#include "service/message_queue.h"

namespace uwsgi {

// What the master does for caches and the queue: it removes what has expired, has stores written,
// and hears what other servers tell of their caches.
class StoreDuty final : public Duty {
 public:
  // Both outlive the duty; `queue` may be null.
  StoreDuty(const Caches& caches, const MessageQueue* queue) : caches_(caches), queue_(queue) {}
  Status Begin(MasterDesk& desk) override;

 private:
  Status HearOthers(MasterDesk& desk);

  const Caches& caches_;
  const MessageQueue* queue_;
  std::vector<CacheHearer> hearers_;
};

}  // namespace uwsgi
