// SPDX-License-Identifier: Apache-2.0
#include "service/signal_router.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "base/log.h"

namespace uwsgi {
namespace {

constexpr std::string_view kPrefix = "signals_";
constexpr std::string_view kWorkerPrefix = "signals_worker";
constexpr std::string_view kSpoolerName = "signals_spooler";

constexpr uint32_t Pack(SignalTarget target) {
  return static_cast<uint32_t>(target.id) << 8 | static_cast<uint32_t>(target.kind);
}
constexpr SignalTarget Unpack(uint32_t packed) {
  return {static_cast<SignalTargetKind>(packed & 0xff), static_cast<int>(packed >> 8)};
}

int Waiting(int fd) {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

Status SetSize(const FdPair& pipe, int64_t bytes) {
  if (bytes > 0 && ::fcntl(pipe.second.get(), F_SETPIPE_SZ, static_cast<int>(bytes)) < 0)
    return ErrnoError(fmt::format("signal-bufsize {}", bytes), errno);
  return {};
}

}  // namespace

size_t SignalRouter::CountQueues(const SignalReceivers& receivers) {
  return static_cast<size_t>(receivers.workers + receivers.mules) + receivers.farms.size() + 3;
}

void SignalRouter::AddSize(SharedSize& size, const SignalRouterSpec& spec) {
  size.Add<SharedSignal>(kUserSignals);
  size.Add<SharedHandlers>(static_cast<size_t>(spec.receivers.workers));
  size.Add<SharedCounts>();
  size.Add<std::atomic<bool>>(CountQueues(spec.receivers));
}

Result<SignalRouter> SignalRouter::Create(SharedRegion& region, SignalRouterSpec spec,
                                          std::vector<LeftQueue>& left) {
  SignalRouter router;
  router.receivers_ = std::move(spec.receivers);
  router.signals_ = TRY(region.Carve<SharedSignal>(kUserSignals));
  router.handlers_ =
      TRY(region.Carve<SharedHandlers>(static_cast<size_t>(router.receivers_.workers)));
  router.counts_ = TRY(region.Carve<SharedCounts>()).data();
  const size_t queues = CountQueues(router.receivers_);
  const auto full = TRY(region.Carve<std::atomic<bool>>(queues));
  router.queues_.resize(queues);
  router.NameQueues();
  router.Adopt(left);
  for (size_t i = 0; i < queues; ++i) {
    Queue& queue = router.queues_[i];
    queue.full = &full[i];
    if (!queue.pipe.first.valid()) {
      queue.pipe = TRY(MakePipe());
      TRY_STATUS(SetSize(queue.pipe, spec.queue_bytes));
    } else if (const auto sized = SetSize(queue.pipe, spec.queue_bytes); !sized) {
      // More waits in it than it is to have room for: it keeps what it has.
      Log("{}: {}", queue.name, sized.error().text());
    }
  }
  return router;
}

void SignalRouter::NameQueues() {
  for (int id = 0; id <= receivers_.workers; ++id)
    queues_[WorkerQueue(id)].name = fmt::format("{}{}", kWorkerPrefix, id);
  for (int id = 0; id <= receivers_.mules; ++id)
    queues_[MuleQueue(id)].name = fmt::format("{}mule{}", kPrefix, id);
  for (size_t i = 0; i < receivers_.farms.size(); ++i) {
    queues_[FarmQueue(static_cast<int>(i + 1))].name =
        fmt::format("{}farm_{}", kPrefix, receivers_.farms[i].name);
  }
  queues_[SpoolerQueue()].name = kSpoolerName;
}

SignalRouter::Role SignalRouter::TakerOf(std::string_view name) {
  if (name.starts_with(kWorkerPrefix)) return Role::kWorker;
  return name == kSpoolerName ? Role::kSpooler : Role::kMule;
}

void SignalRouter::Adopt(std::vector<LeftQueue>& left) {
  std::erase_if(left, [this](const LeftQueue& each) {
    if (!each.name.starts_with(kPrefix)) return false;
    FdPair pipe{UniqueFd(each.taking), UniqueFd(each.giving)};
    const auto queue = std::ranges::find_if(queues_, [&each](const Queue& ours) {
      return ours.name == each.name && !ours.pipe.first.valid();
    });
    if (queue != queues_.end())
      queue->pipe = std::move(pipe);
    else
      former_.push_back({.name = each.name, .pipe = std::move(pipe)});
    return true;
  });
}

std::vector<LeftQueue> SignalRouter::HandOver() const {
  std::vector<LeftQueue> left;
  for (const auto* queues : {&queues_, &former_}) {
    for (const Queue& queue : *queues)
      left.push_back({queue.name, queue.pipe.first.get(), queue.pipe.second.get()});
  }
  return left;
}

void SignalRouter::ForgetFormer() {
  const std::tuple<Role, bool, std::string_view> kinds[] = {
      {Role::kWorker, receivers_.workers > 0, "worker"},
      {Role::kMule, receivers_.mules > 0, "mule"},
      {Role::kSpooler, receivers_.has_spooler, "spooler"}};
  for (const auto& [taker, is_there, what] : kinds) {
    const size_t lost = is_there ? 0 : Discard(taker);
    if (lost == 0) continue;
    counts_->lost.fetch_add(lost, std::memory_order_relaxed);
    Log("*** user signals that waited for a {} are lost, as there is none any more: {} ***", what,
        lost);
  }
  // Ours only take out of them.
  std::erase_if(former_, [](const Queue& queue) { return Waiting(queue.pipe.first.get()) == 0; });
}

size_t SignalRouter::Discard(Role taker) {
  size_t count = 0;
  for (const auto* queues : {&queues_, &former_}) {
    for (const Queue& queue : *queues) {
      if (TakerOf(queue.name) != taker) continue;
      while (Take(queue.pipe.first.get())) ++count;
    }
  }
  return count;
}

void SignalRouter::BecomeWorker(int id) {
  role_ = Role::kWorker;
  id_ = id;
  for (auto& word : handlers_[static_cast<size_t>(id - 1)].bits) word = 0;
}

void SignalRouter::BecomeMule(int id) {
  role_ = Role::kMule;
  id_ = id;
}

void SignalRouter::BecomeSpooler() { role_ = Role::kSpooler; }

Status SignalRouter::Register(uint8_t signal, std::string_view target) {
  if (role_ != Role::kMaster && role_ != Role::kWorker)
    return Fail("only the master and the workers can register signal handlers");
  SharedSignal& shared = signals_[signal];
  const SignalTarget parsed = ParseSignalTarget(target, receivers_);
  {
    const SharedLock lock(counts_->registering);
    const bool by_master = shared.by_master.load(std::memory_order_relaxed);
    if (by_master && role_ == Role::kMaster)
      return Fail("[uwsgi-signal] you cannot re-register a signal as the master !!!");
    if (!by_master) {
      shared.text.Set(target);
      shared.target.store(Pack(parsed), std::memory_order_relaxed);
    }
    if (role_ == Role::kMaster) {
      shared.by_master.store(true, std::memory_order_relaxed);
    } else {
      handlers_[static_cast<size_t>(id_ - 1)].bits[signal / 64].fetch_or(
          uint64_t{1} << (signal % 64), std::memory_order_relaxed);
    }
  }
  Log("[uwsgi-signal] signum {} registered (wid: {} modifier1: 0 target: {})", signal,
      role_ == Role::kWorker ? id_ : 0, target.empty() ? "default, any worker" : target);
  if (!CanDeliver(parsed.kind)) LogLine(DescribeUndeliverable(parsed.kind, target));
  return {};
}

bool SignalRouter::WorkerHandles(int id, uint8_t signal) const {
  const auto& word = handlers_[static_cast<size_t>(id - 1)].bits[signal / 64];
  return (word.load(std::memory_order_relaxed) >> (signal % 64) & 1) != 0;
}

bool SignalRouter::IsRegistered(uint8_t signal) const {
  if (signals_[signal].by_master.load(std::memory_order_relaxed)) return true;
  return role_ == Role::kWorker && WorkerHandles(id_, signal);
}

bool SignalRouter::Send(uint8_t signal) {
  const SharedSignal& shared = signals_[signal];
  const SignalTarget target = Unpack(shared.target.load(std::memory_order_relaxed));
  if (!CanDeliver(target.kind)) {
    counts_->lost.fetch_add(1, std::memory_order_relaxed);
    LogLine(DescribeUndeliverable(target.kind, shared.text.Get()));
    return false;
  }
  counts_->routed.fetch_add(1, std::memory_order_relaxed);
  return Deliver(target, signal);
}

bool SignalRouter::Deliver(SignalTarget target, uint8_t signal) {
  switch (target.kind) {
    case SignalTargetKind::kAnyWorker:
      return SendToAnyWorker(signal);
    case SignalTargetKind::kEveryWorker:
      return SendToWorkers(signal, /*only_running=*/false);
    case SignalTargetKind::kActiveWorkers:
      return SendToWorkers(signal, /*only_running=*/true);
    case SignalTargetKind::kWorker:
      return Put(WorkerQueue(target.id), signal);
    case SignalTargetKind::kAnyMule:
      return Put(MuleQueue(0), signal);
    case SignalTargetKind::kEveryMule: {
      bool all = true;
      for (int id = 1; id <= receivers_.mules; ++id) all &= Put(MuleQueue(id), signal);
      return all;
    }
    case SignalTargetKind::kMule:
      return Put(MuleQueue(target.id), signal);
    case SignalTargetKind::kFarm:
      return Put(FarmQueue(target.id), signal);
    case SignalTargetKind::kSpooler:
      return Put(SpoolerQueue(), signal);
    default:
      return true;
  }
}

bool SignalRouter::IsTaking(int worker) const {
  if (scoreboard_ == nullptr) return true;
  for (int berth = 0; berth < Scoreboard::kBerths; ++berth) {
    const auto state = scoreboard_->berth(worker, berth).state.load(std::memory_order_relaxed);
    if (state == WorkerState::kStarting || state == WorkerState::kAccepting) return true;
  }
  return false;
}

// A signal that only some workers have a handler for does not go where another could take it, nor
// to one that is not there and may not come back soon (cheaper).
bool SignalRouter::SendToAnyWorker(uint8_t signal) {
  if (signals_[signal].by_master.load(std::memory_order_relaxed))
    return Put(WorkerQueue(0), signal);
  int able = 0;
  int chosen = 0;
  for (int id = 1; id <= receivers_.workers; ++id) {
    if (!WorkerHandles(id, signal)) continue;
    ++able;
    if (!IsTaking(id)) continue;
    const bool is_shorter = chosen == 0 || QueuedForWorker(id) < QueuedForWorker(chosen);
    if (is_shorter) chosen = id;
  }
  return Put(WorkerQueue(able == receivers_.workers ? 0 : chosen), signal);
}

void SignalRouter::SendAnew(int worker) {
  const int queue = queues_[WorkerQueue(worker)].pipe.first.get();
  for (int left = Waiting(queue); left > 0; --left) {
    const auto signal = Take(queue);
    if (!signal) return;
    const SignalTarget target = Unpack(signals_[*signal].target.load(std::memory_order_relaxed));
    if (target.kind == SignalTargetKind::kAnyWorker)
      SendToAnyWorker(*signal);
    else
      Put(WorkerQueue(worker), *signal);
  }
}

bool SignalRouter::SendToWorkers(uint8_t signal, bool only_running) {
  if (only_running && scoreboard_ != nullptr && scoreboard_->paused()) return true;
  bool all = true;
  for (int id = 1; id <= receivers_.workers; ++id) {
    const WorkerState state = scoreboard_ == nullptr
                                  ? WorkerState::kAccepting
                                  : scoreboard_->worker(id).state.load(std::memory_order_relaxed);
    if (only_running && (state == WorkerState::kEmpty || state == WorkerState::kGone)) continue;
    all &= Put(WorkerQueue(id), signal);
  }
  return all;
}

bool SignalRouter::Put(size_t at, uint8_t signal) {
  Queue& queue = queues_[at];
  const int fd = queue.pipe.second.get();
  ssize_t written = -1;
  do {
    written = ::write(fd, &signal, 1);
  } while (written < 0 && errno == EINTR);
  if (written == 1) {
    // The burst is over when half of what waited has been taken.
    if (queue.full->load(std::memory_order_relaxed) && Waiting(fd) < ::fcntl(fd, F_GETPIPE_SZ) / 2)
      queue.full->store(false, std::memory_order_relaxed);
    return true;
  }
  counts_->lost.fetch_add(1, std::memory_order_relaxed);
  if (!queue.full->exchange(true, std::memory_order_relaxed)) {
    Log("*** SIGNAL QUEUE IS FULL: buffer size {} bytes (you can tune it with --signal-bufsize) "
        "***",
        ::fcntl(fd, F_GETPIPE_SZ));
  }
  return false;
}

std::vector<int> SignalRouter::OwnQueues() const {
  std::vector<size_t> own;
  if (role_ == Role::kWorker) own = {WorkerQueue(id_), WorkerQueue(0)};
  if (role_ == Role::kSpooler) own = {SpoolerQueue()};
  if (role_ == Role::kMule) {
    own = {MuleQueue(id_), MuleQueue(0)};
    for (size_t i = 0; i < receivers_.farms.size(); ++i) {
      if (std::ranges::count(receivers_.farms[i].mules, id_) > 0)
        own.push_back(FarmQueue(static_cast<int>(i + 1)));
    }
  }
  std::vector<int> fds;
  fds.reserve(own.size() + former_.size());
  for (const size_t queue : own) fds.push_back(queues_[queue].pipe.first.get());
  for (const Queue& queue : former_) {
    if (TakerOf(queue.name) == role_) fds.push_back(queue.pipe.first.get());
  }
  return fds;
}

std::optional<uint8_t> SignalRouter::Take(int queue) {
  uint8_t signal = 0;
  ssize_t got = -1;
  do {
    got = ::read(queue, &signal, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) return std::nullopt;
  return signal;
}

int SignalRouter::QueuedForWorker(int id) const {
  return Waiting(queues_[WorkerQueue(id)].pipe.first.get());
}

}  // namespace uwsgi
