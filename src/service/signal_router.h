// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "service/left_queue.h"
#include "service/signal_target.h"
#include "shm/region.h"
#include "shm/scoreboard.h"
#include "shm/shared_mutex.h"

namespace uwsgi {

constexpr int kUserSignals = 256;

struct SignalRouterSpec {
  SignalReceivers receivers;
  int64_t queue_bytes = 0;  // signal-bufsize; 0: what the system gives a pipe
};

// The user signals of applications, 0 to 255: who gets which, and the queues they wait in
// (reference 33 section 1). A queue is a pipe, made before the first fork and kept open by all
// processes, so that what waits for a process also waits for its replacement, and so that everybody
// writes to whom it concerns without asking a master; at a reload the next program goes on with
// them. Handlers are not here: each process keeps its own, which is why none can be left behind by
// a process that ended.
//
// All functions may be called from any process and thread, except where it says otherwise.
class SignalRouter {
 public:
  static void AddSize(SharedSize& size, const SignalRouterSpec& spec);
  // Goes on with the queues of HandOver() in `left`, which are taken out of it. What waits for a
  // worker, mule or farm that is no longer there, any worker or mule takes.
  static Result<SignalRouter> Create(SharedRegion& region, SignalRouterSpec spec,
                                     std::vector<LeftQueue>& left);
  // What the next program needs; the descriptors stay ours. All names begin with "signals_".
  [[nodiscard]] std::vector<LeftQueue> HandOver() const;
  // The processes of before the reload are gone: what waits for a kind of process that this server
  // has none of is lost, and the log is told. By the master.
  void ForgetFormer();

  // Where it is seen which workers run; before the first fork. Without it all of them do.
  void Watch(const Scoreboard& scoreboard) { scoreboard_ = &scoreboard; }

  // Which process this is, told once after a fork, before other threads; the first process is the
  // master. A worker that replaces another has none of its registrations.
  void BecomeWorker(int id);
  void BecomeMule(int id);
  void BecomeSpooler();

  // Notes that this process has a handler for the signal and who shall get it. The master's word
  // is final; among workers the last one counts. The error is for the log.
  Status Register(uint8_t signal, std::string_view target);
  // Whether this process, or the master for all, has registered it.
  [[nodiscard]] bool IsRegistered(uint8_t signal) const;

  // Puts the signal into the queues of those who shall get it; one that is full loses it. Whether
  // nobody was left out.
  bool Send(uint8_t signal);
  // The worker has ended and nobody replaces it: what waits for it and is for any worker goes to
  // others, the rest waits on. By the master.
  void SendAnew(int worker);

  // The queues of this process, to be waited for; empty in the master.
  [[nodiscard]] std::vector<int> OwnQueues() const;
  // The next signal in one of them; nothing when another process was quicker.
  static std::optional<uint8_t> Take(int queue);

  // Of all since the start.
  [[nodiscard]] uint64_t routed() const { return counts_->routed.load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t lost() const { return counts_->lost.load(std::memory_order_relaxed); }
  // How many wait for this worker alone; for any worker with id 0.
  [[nodiscard]] int QueuedForWorker(int id) const;

  [[nodiscard]] const SignalReceivers& receivers() const { return receivers_; }

 private:
  enum class Role : uint8_t { kMaster, kWorker, kMule, kSpooler };
  struct SharedSignal {
    std::atomic<uint32_t> target{0};  // kind and id, see Pack()
    std::atomic<bool> by_master{false};
    SharedText<64> text;
  };
  // The signals that one worker has handlers for, a bit each.
  struct SharedHandlers {
    std::array<std::atomic<uint64_t>, kUserSignals / 64> bits{};
  };
  struct SharedCounts {
    SharedMutex registering;
    std::atomic<uint64_t> routed{0};
    std::atomic<uint64_t> lost{0};
  };
  struct Queue {
    std::string name;
    FdPair pipe;
    std::atomic<bool>* full = nullptr;  // it has been said
  };

  SignalRouter() = default;
  static size_t CountQueues(const SignalReceivers& receivers);
  // Who takes out of a queue that is called so.
  static Role TakerOf(std::string_view name);
  void NameQueues();
  void Adopt(std::vector<LeftQueue>& left);
  // Empties the queues of such processes; how many signals there were.
  size_t Discard(Role taker);
  [[nodiscard]] bool WorkerHandles(int id, uint8_t signal) const;
  // Whether a process takes signals for this worker now, or is about to.
  [[nodiscard]] bool IsTaking(int worker) const;
  bool Deliver(SignalTarget target, uint8_t signal);
  bool SendToAnyWorker(uint8_t signal);
  bool SendToWorkers(uint8_t signal, bool only_running);
  bool Put(size_t queue, uint8_t signal);

  // The order of the queues: any worker, worker 1.., any mule, mule 1.., farm 1.., spooler.
  [[nodiscard]] size_t WorkerQueue(int id) const { return static_cast<size_t>(id); }
  [[nodiscard]] size_t MuleQueue(int id) const {
    return static_cast<size_t>(receivers_.workers + 1 + id);
  }
  [[nodiscard]] size_t FarmQueue(int id) const { return MuleQueue(receivers_.mules + id); }
  [[nodiscard]] size_t SpoolerQueue() const {
    return FarmQueue(static_cast<int>(receivers_.farms.size()) + 1);
  }

  SignalReceivers receivers_;
  const Scoreboard* scoreboard_ = nullptr;
  std::span<SharedSignal> signals_;
  std::span<SharedHandlers> handlers_;  // of worker 1..
  SharedCounts* counts_ = nullptr;
  std::vector<Queue> queues_;
  std::vector<Queue> former_;  // of before a reload; only the processes of then put into them
  Role role_ = Role::kMaster;
  int id_ = 0;
};

}  // namespace uwsgi
