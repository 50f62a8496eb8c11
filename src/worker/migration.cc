// SPDX-License-Identifier: Apache-2.0
#include "worker/migration.h"

#include "request/connection.h"

namespace uwsgi {
void Migration::AddSize(SharedSize& size, int workers) {
  size.Add<std::atomic<int>>(static_cast<size_t>(workers * Scoreboard::kBerths));
}

Result<std::unique_ptr<Migration>> Migration::Create(SharedRegion& region,
                                                     const Scoreboard& scoreboard) {
  const size_t places = scoreboard.all_berths().size();
  const auto pending = TRY(region.Carve<std::atomic<int>>(places));
  std::vector<Mailbox::Pair> boxes;
  for (size_t i = 0; i < places; ++i) boxes.push_back(TRY(Mailbox::CreatePair()));
  return std::unique_ptr<Migration>(new Migration(scoreboard, pending, std::move(boxes)));
}

std::optional<MovedConnection> Migration::Take(int place) {
  auto received = boxes_[At(place)].first.Receive();
  if (!received || !*received) return std::nullopt;
  pending_[At(place)].fetch_sub(1, std::memory_order_seq_cst);
  return ReadLetter(std::move(**received));
}

bool Migration::IsIdle(int place) const {
  const WorkerSlot& slot = scoreboard_.all_berths()[At(place)];
  return slot.state.load(std::memory_order_seq_cst) == WorkerState::kAccepting &&
         slot.accepting.load(std::memory_order_relaxed) &&
         !slot.lacks_descriptors.load(std::memory_order_relaxed) &&
         static_cast<size_t>(slot.busy_cores()) < slot.core_count &&
         pending_[At(place)].load(std::memory_order_relaxed) < kMostPending;
}

std::optional<int> Migration::FindIdle(int self) {
  const int places = static_cast<int>(boxes_.size());
  for (int looked = 0; looked < places; ++looked) {
    const int place = next_ = (next_ + 1) % places;
    if (place != self && IsIdle(place)) return place;
  }
  return std::nullopt;
}

bool Migration::Give(Connection& connection, int place) {
  const std::string letter = WriteLetter(connection, connection.front().index);
  if (letter.empty()) return false;
  std::atomic<int>& pending = pending_[At(place)];
  pending.fetch_add(1, std::memory_order_seq_cst);
  // From here on a worker that leaves its loop waits for us, unless it has left it already.
  const bool is_there = scoreboard_.all_berths()[At(place)].state.load(std::memory_order_seq_cst) ==
                        WorkerState::kAccepting;
  if (is_there) {
    const auto sent = boxes_[At(place)].second.Send(letter, connection.fd());
    if (sent && *sent == Mailbox::Sent::kYes) return true;
  }
  pending.fetch_sub(1, std::memory_order_seq_cst);
  return false;
}

}  // namespace uwsgi
