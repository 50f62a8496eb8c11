// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "service/left_queue.h"
#include "service/signal_target.h"

namespace uwsgi {

struct MuleLinkSpec {
  int mules = 0;
  std::vector<Farm> farms;
  int64_t queue_bytes = 0;     // mule-msg-size; 0: what the system gives
  int64_t most_bytes = 65536;  // mule-msg-recv-size: of one message
};

// The messages to mules (reference 33 section 5.3). Each mule has a queue, all share one, and each
// farm has one; messages stay whole and in order. The queues are made before the first fork and all
// processes keep them open, so that what waits for a mule also waits for its replacement. Nothing
// here waits. Any process and thread.
class MuleLink {
 public:
  static Result<MuleLink> Create(MuleLinkSpec spec);

  // What the next program needs for Adopt(); the descriptors stay ours. A queue is called by the
  // number of its mule, 0 for any, or farm_NAME.
  [[nodiscard]] std::vector<LeftQueue> HandOver() const;
  // Goes on with these queues, so that nothing that waits in them is lost. Closes those that no
  // mule or farm of ours belongs to. Before the first fork.
  void Adopt(const std::vector<LeftQueue>& left);

  [[nodiscard]] int mules() const { return spec_.mules; }
  [[nodiscard]] const std::vector<Farm>& farms() const { return spec_.farms; }
  // The number of a farm, from 1; 0: there is none.
  [[nodiscard]] int FarmCalled(std::string_view name) const;
  [[nodiscard]] bool IsInFarm(int mule, int farm) const;

  enum class Sent : uint8_t {
    kYes,
    kFull,  // nothing was sent; the log has been told
  };
  // An error when the message is longer than a message may be. The ids must exist; mule 0 is the
  // first that is free.
  Result<Sent> SendToMule(int mule, std::string_view message);
  Result<Sent> SendToFarm(int farm, std::string_view message);

  // Where messages for a mule come in, to be waited for.
  [[nodiscard]] std::vector<int> MuleQueues(int mule) const;
  [[nodiscard]] std::vector<int> FarmQueues(int mule) const;
  // The next message in one of them; nothing when another process was quicker.
  [[nodiscard]] std::optional<std::string> Take(int queue) const;

 private:
  struct Queue {
    FdPair ends;  // to be read and to be written
    bool full = false;
  };
  explicit MuleLink(MuleLinkSpec spec) : spec_(std::move(spec)) {}
  // Null: there is no such queue. The names are those of LeftQueue.
  Queue* QueueCalled(std::string_view name);
  Result<Sent> Put(Queue& queue, std::string_view message);

  MuleLinkSpec spec_;
  std::vector<Queue> mule_queues_;  // of any mule, of mule 1, ...
  std::vector<Queue> farm_queues_;  // of farm 1, ...
};

}  // namespace uwsgi
