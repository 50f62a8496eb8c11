// SPDX-License-Identifier: Apache-2.0
#include "worker/watcher.h"

namespace uwsgi {

void Watcher::Run() {
  Lead& lead = leader_.lead();
  Seats& seats = leader_.seats();
  Lead::Entry last = 0;
  int idle_looks = 0;
  while (!seats.ending()) {
    const Lead::Entry now = lead.Look();
    if (Lead::IsInApp(now) && now == last && lead.Take(now)) {
      TakeLead();
      idle_looks = 0;
      last = 0;
      continue;
    }
    idle_looks = now == last ? idle_looks + 1 : 0;
    last = now;
    if (Lead::IsInApp(now) || idle_looks < kIdleLooks) {
      seats.WatcherSleeps(kLookEveryUs);
      continue;
    }
    leader_.watcher_asleep.store(true, std::memory_order_seq_cst);
    if (!Lead::IsInApp(lead.Look())) seats.WatcherSleeps(-1);
    leader_.watcher_asleep.store(false, std::memory_order_seq_cst);
    idle_looks = 0;
  }
}

void Watcher::TakeLead() {
  Seats& seats = leader_.seats();
  leader_.FlushLogs();
  if (seats.OfferLeadToIdleCore()) return;
  seats.WatcherDrives();
  Driver driver{nullptr, true};
  leader_.Drive(driver);
}

}  // namespace uwsgi
