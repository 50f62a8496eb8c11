// SPDX-License-Identifier: Apache-2.0
#include "worker/watcher.h"

namespace uwsgi {

void Watcher::Run() {
  Lead& lead = leader_.lead();
  Seats& seats = leader_.seats();
  WatchPace pace;
  Hunger hunger;
  Lead::Entry last = 0;
  int idle_looks = 0;
  while (!seats.ending()) {
    const Lead::Entry now = lead.Look();
    if (Lead::IsInApp(now)) {
      idle_looks = 0;
      hunger.See(now, leader_.driver());
      seats.WatcherSleeps(kSlowAfterUs);
      if (lead.Look() == now) {
        if (hunger.IsHungry(leader_.driver())) continue;
        if (lead.Take(now)) {
          TakeLead();
          continue;
        }
      }
    } else {
      idle_looks = now == last ? idle_looks + 1 : 0;
    }
    last = now;
    if (leader_.has_seen_slow_request()) pace.SawSlowRequest();
    if (idle_looks < kIdleLooks) {
      seats.WatcherSleeps(pace.NextSleepUs());
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
  leader_.NoteLeadTaken();
  leader_.FlushLogs();
  if (seats.OfferLeadToIdleCore()) return;
  seats.WatcherDrives();
  Driver driver{nullptr, true};
  leader_.Drive(driver);
}

}  // namespace uwsgi
