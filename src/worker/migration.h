// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "net/mailbox.h"
#include "shm/scoreboard.h"
#include "worker/letter.h"

namespace uwsgi {

class Connection;

// Hands connections with a waiting request from workers whose cores are all busy to workers that
// have a free one. A place is a berth of the scoreboard; each has a mailbox. Made before the first
// fork, and used by all workers without a lock. A request that has begun never moves; one that has
// moved a few times stays where it is.
class Migration {
 public:
  static void AddSize(SharedSize& size, int workers);
  static Result<std::unique_ptr<Migration>> Create(SharedRegion& region,
                                                   const Scoreboard& scoreboard);

  // For the worker in this place: where it finds what comes.
  [[nodiscard]] int inlet_fd(int place) const { return boxes_[At(place)].first.fd(); }
  // The next arrival; nullopt when none waits.
  std::optional<MovedConnection> Take(int place);
  // Somebody has sent something that was not taken, or is just sending.
  [[nodiscard]] bool has_pending(int place) const {
    return pending_[At(place)].load(std::memory_order_seq_cst) > 0;
  }

  // A place other than `self` with a core that has nothing to do; nullopt when there is none.
  [[nodiscard]] std::optional<int> FindIdle(int self);
  // True when the connection has been given away: the caller closes what it has of it.
  bool Give(Connection& connection, int place);

 private:
  static constexpr int kMostPending = 8;  // per place: more would wait there as well

  Migration(const Scoreboard& scoreboard, std::span<std::atomic<int>> pending,
            std::vector<Mailbox::Pair> boxes)
      : scoreboard_(scoreboard), pending_(pending), boxes_(std::move(boxes)) {}
  static size_t At(int place) { return static_cast<size_t>(place); }
  [[nodiscard]] bool IsIdle(int place) const;

  Scoreboard scoreboard_;
  // Counted up before the look at the receiver's state and down after the message was taken, so
  // that a worker which ends knows whether something is still on its way.
  std::span<std::atomic<int>> pending_;
  std::vector<Mailbox::Pair> boxes_;  // of each place: where it takes, where the others give
  int next_ = 0;                      // where the search begins
};

}  // namespace uwsgi
