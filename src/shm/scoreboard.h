// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "shm/region.h"
#include "shm/request_vars.h"

namespace uwsgi {

// What everybody may see of the workers: a slot for each, and one for each of its cores (threads).
// Plain structs of atomics in shared memory, read and written with relaxed order and without locks;
// every field says who writes it. It is what harakiri, stats, busyness and the log look at, so
// nothing ever has to ask a worker a question.

// Where a worker is in its life. Written by the master, except for kAccepting and kDraining, which
// the worker reports.
enum class WorkerState : uint32_t {
  kEmpty,      // never started, or taken away on purpose (cheap)
  kStarting,   // forked, not in its loop yet
  kAccepting,  // serving, idle or busy
  kDraining,   // finishing its requests, takes no new connections
  kGone,       // the process ended
};
std::string_view NameOf(WorkerState state);

// Adds to a counter that only the calling thread writes: cheaper than fetch_add.
template <typename T, typename N>
void Bump(std::atomic<T>& counter, N by) {
  counter.store(counter.load(std::memory_order_relaxed) + static_cast<T>(by),
                std::memory_order_relaxed);
}
template <typename T>
void Bump(std::atomic<T>& counter) {
  Bump(counter, 1);
}

// A short text that one thread writes and others may read at any time; longer ones are cut. A
// reader may meet the text half-way between two values, so it is for people to look at only.
template <size_t kCapacity>
class SharedText {
 public:
  void Set(std::string_view text) {
    text = text.substr(0, kCapacity);
    for (size_t at = 0; at < text.size(); at += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, text.data() + at, std::min(sizeof word, text.size() - at));
      words_[at / sizeof word].store(word, std::memory_order_relaxed);
    }
    size_.store(static_cast<uint32_t>(text.size()), std::memory_order_relaxed);
  }

  [[nodiscard]] std::string Get() const {
    std::string text(kCapacity, '\0');
    for (size_t i = 0; i < words_.size(); ++i) {
      const uint64_t word = words_[i].load(std::memory_order_relaxed);
      std::memcpy(text.data() + i * sizeof word, &word, sizeof word);
    }
    text.resize(size_.load(std::memory_order_relaxed));
    return text;
  }

 private:
  static_assert(kCapacity % sizeof(uint64_t) == 0);
  std::array<std::atomic<uint64_t>, kCapacity / sizeof(uint64_t)> words_{};
  std::atomic<uint32_t> size_{0};
};

// Upper bounds of the response times that are counted apart, in microseconds; a last bucket takes
// what is slower.
inline constexpr std::array<uint64_t, 13> kLatencyBoundsUs = {
    1'000,   2'500,   5'000,     10'000,    25'000,    50'000,    100'000,
    250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
inline constexpr size_t kLatencyBuckets = kLatencyBoundsUs.size() + 1;

// A core's seat. Written by the core's thread alone; two pairs of cache lines at least, so that
// cores never wait for each other's writes.
struct alignas(128) CoreSlot {
#define COUNTER(name, meaning) std::atomic<uint64_t> name{0};
#include "shm/counters.def"
#undef COUNTER

  // The running request: monotonic microseconds (0: none runs) and seconds since 1970.
  std::atomic<int64_t> request_started_us{0};
  std::atomic<int64_t> request_started_wall_s{0};
  // The application asked to be killed when the request is still running then; monotonic
  // microseconds, 0: it did not.
  std::atomic<int64_t> user_harakiri_deadline_us{0};
  // The user signal whose handler runs instead of a request; -1: none.
  std::atomic<int> signal{-1};
  // The request that runs or ran last, for the harakiri log.
  SharedText<16> method;
  SharedText<48> remote;
  SharedText<256> uri;
  // With stats only: answers by time and by class of status (1xx to 5xx; 0: none was given), and
  // the variables of the running request, null without stats.
  std::array<std::atomic<uint64_t>, kLatencyBuckets> latency{};
  std::array<std::atomic<uint64_t>, 6> status_classes{};
  RequestVars* vars = nullptr;

  void BeginRequest(int64_t monotonic_us, int64_t wall_s, std::string_view request_method,
                    std::string_view request_uri, std::string_view remote_address) {
    method.Set(request_method);
    uri.Set(request_uri);
    remote.Set(remote_address);
    request_started_wall_s.store(wall_s, std::memory_order_relaxed);
    request_started_us.store(monotonic_us, std::memory_order_relaxed);
  }
  void EndRequest() {
    user_harakiri_deadline_us.store(0, std::memory_order_relaxed);
    request_started_us.store(0, std::memory_order_relaxed);
  }
  // By the core, when an answer is complete.
  void NoteAnswer(uint64_t micros, int status) {
    size_t bucket = 0;
    while (bucket < kLatencyBoundsUs.size() && micros > kLatencyBoundsUs[bucket]) ++bucket;
    Bump(latency[bucket]);
    const auto status_class = static_cast<size_t>(status) / 100;
    Bump(status_classes[status_class < status_classes.size() ? status_class : 0]);
  }
  [[nodiscard]] bool busy() const {
    return request_started_us.load(std::memory_order_relaxed) != 0;
  }
};

// One counter of counters.def, for those who print them all.
struct CounterRow {
  std::string_view name;
  std::string_view meaning;
  std::atomic<uint64_t> CoreSlot::*field;
};
std::span<const CounterRow> AllCounters();

// What is counted for a worker id over all processes that it had. Written by the worker with
// fetch_add, as several threads do it and, while one process replaces another, two processes.
struct alignas(128) WorkerTotals {
  std::atomic<uint64_t> tx{0};               // bytes sent
  std::atomic<uint64_t> running_time_us{0};  // inside requests
  std::atomic<uint64_t> avg_rt_us{0};        // decaying mean of response times
  std::atomic<uint64_t> signals{0};          // user signals handled
  std::atomic<uint64_t> harakiri_count{0};   // requests that took too long
  // Connections closed without an answer; request/close_reason.h counts the reasons.
  std::array<std::atomic<uint64_t>, 16> closed{};

  // Written by the master.
  std::atomic<uint64_t> respawn_count{0};  // spawns, the first included
  std::atomic<int> current{0};             // the berth of the process that serves
  // How its processes ended; process/end_reason.h counts the reasons.
  std::array<std::atomic<uint64_t>, 16> ends{};
};

// An application of a worker, with stats only. Written by the worker.
struct AppSlot {
  std::atomic<bool> is_loaded{false};
  std::atomic<int64_t> startup_seconds{0};
  std::atomic<uint64_t> requests{0};    // of this process, by its cores with fetch_add
  std::atomic<uint64_t> exceptions{0};  // the same
  SharedText<128> mountpoint;
  SharedText<128> chdir;
};

// A berth of a worker: the place of one process. Each worker id has two, so that a process can be
// replaced by one that serves already; they go on counting for each other.
struct alignas(128) WorkerSlot {
  // Written by the master.
  std::atomic<int> id{0};  // 0: never spawned
  std::atomic<pid_t> pid{0};
  std::atomic<int64_t> last_spawn_s{0};  // seconds since 1970
  std::atomic<uint64_t> requests_at_spawn{0};
  std::atomic<uint64_t> rss{0};  // bytes; measured when an option asks for it
  std::atomic<uint64_t> vsz{0};  // bytes
  std::atomic<WorkerState> state{WorkerState::kEmpty};

  // Written by the worker.
  alignas(128) std::atomic<bool> accepting{false};  // in its loop and willing to take connections
  std::atomic<bool> ready{false};                   // has entered its loop
  std::atomic<bool> lacks_descriptors{false};       // and so takes no connections for a while

  [[nodiscard]] std::span<CoreSlot> cores() const { return {first_core, core_count}; }
  // Empty without stats; application N of the worker has place N, those beyond have none.
  [[nodiscard]] std::span<AppSlot> apps() const { return {first_app, app_count}; }
  // Over all processes that this worker id had, and of the one in this berth.
  [[nodiscard]] uint64_t requests() const { return Total(&CoreSlot::requests); }
  [[nodiscard]] uint64_t delta_requests() const {
    return TotalOfBerth(&CoreSlot::requests) - requests_at_spawn.load(std::memory_order_relaxed);
  }
  // The sum of one counter over the cores, of both berths and of this one.
  [[nodiscard]] uint64_t Total(std::atomic<uint64_t> CoreSlot::*counter) const;
  [[nodiscard]] uint64_t TotalOfBerth(std::atomic<uint64_t> CoreSlot::*counter) const;
  // One counter of one core, of both berths.
  [[nodiscard]] uint64_t TotalOfCore(size_t core, std::atomic<uint64_t> CoreSlot::*counter) const {
    return (cores()[core].*counter).load(std::memory_order_relaxed) +
           (twin->cores()[core].*counter).load(std::memory_order_relaxed);
  }
  [[nodiscard]] int busy_cores() const;

  // By the master before it forks the process for this berth, with a pid of 0 that it sets
  // afterwards, or by a process that is a worker itself: starting, and nothing of the previous
  // process's requests remains.
  void NoteSpawn(int worker_id, pid_t worker_pid, int64_t wall_s);
  // By a core of the worker, when a request is over: time spent and bytes sent.
  void NoteResponse(uint64_t micros, uint64_t bytes) const {
    totals->tx.fetch_add(bytes, std::memory_order_relaxed);
    totals->running_time_us.fetch_add(micros, std::memory_order_relaxed);
    totals->avg_rt_us.store((totals->avg_rt_us.load(std::memory_order_relaxed) + micros) / 2,
                            std::memory_order_relaxed);
  }

  // Set when the scoreboard is created; the same addresses in every process.
  CoreSlot* first_core = nullptr;
  size_t core_count = 0;
  WorkerTotals* totals = nullptr;
  WorkerSlot* twin = nullptr;  // the other berth of the same worker id
  AppSlot* first_app = nullptr;
  size_t app_count = 0;
};

// What the master counts of the instance as a whole.
struct InstanceCounters {
  std::atomic<uint64_t> reloads{0};         // graceful reloads of the program, before this one too
  std::atomic<uint64_t> failed_reloads{0};  // given up: the trial failed
  std::atomic<uint64_t> worker_reloads{0};  // all workers replaced under the same program
  std::atomic<int64_t> last_reload_s{0};    // seconds since 1970; 0: there was none
};

// How much is kept: the figures of AppSlot and the variables of running requests cost memory.
enum class Detail : uint8_t { kPlain, kStats };

// A view of the slots, which live in the region; copies show the same. Created before the first
// fork.
class Scoreboard {
 public:
  static constexpr int kBerths = 2;
  static constexpr size_t kMostApps = 32;

  static void AddSize(SharedSize& size, int workers, int cores, Detail detail = Detail::kPlain);
  static Result<Scoreboard> Create(SharedRegion& region, int workers, int cores,
                                   Detail detail = Detail::kPlain);

  [[nodiscard]] int workers() const { return static_cast<int>(berths_.size()) / kBerths; }
  [[nodiscard]] int cores() const { return static_cast<int>(berths_[0].core_count); }
  // Ids begin at 1, cores and berths at 0. The berth of the process that serves under this id; a
  // worker itself remembers the one that it was started in.
  [[nodiscard]] WorkerSlot& worker(int id) const {
    return berth(id, berth(id, 0).totals->current.load(std::memory_order_relaxed));
  }
  [[nodiscard]] WorkerSlot& berth(int id, int which) const {
    return berths_[static_cast<size_t>((id - 1) * kBerths + which)];
  }
  [[nodiscard]] CoreSlot& core(int worker_id, int core_id) const {
    return worker(worker_id).cores()[static_cast<size_t>(core_id)];
  }
  // By the master: from now on worker `id` is the process in this berth.
  void MakeCurrent(int id, int which) const {
    berth(id, 0).totals->current.store(which, std::memory_order_relaxed);
  }
  // The places of all processes, also of those that are about to be replaced.
  [[nodiscard]] std::span<WorkerSlot> all_berths() const { return berths_; }
  // Requests of all workers, counted by each of their cores with fetch_add.
  [[nodiscard]] std::atomic<uint64_t>& total_requests() const { return instance_->total_requests; }
  // The server is about to stop and still serves; load balancers had better look elsewhere. Written
  // by the master.
  [[nodiscard]] std::atomic<bool>& leaving() const { return instance_->leaving; }
  // No worker accepts connections while this is set. Written by the master, who then tells the
  // workers to look (SIGWINCH).
  [[nodiscard]] std::atomic<bool>& paused() const { return instance_->paused; }
  [[nodiscard]] InstanceCounters& instance() const { return instance_->counters; }
  // Whether it keeps the figures that only stats show.
  [[nodiscard]] bool is_detailed() const { return berths_[0].first_app != nullptr; }

 private:
  struct alignas(128) Instance {
    std::atomic<uint64_t> total_requests{0};
    std::atomic<bool> paused{false};
    std::atomic<bool> leaving{false};
    alignas(128) InstanceCounters counters;
  };

  Scoreboard(std::span<WorkerSlot> berths, Instance* instance)
      : berths_(berths), instance_(instance) {}

  std::span<WorkerSlot> berths_;
  Instance* instance_;
};

static_assert(std::atomic<uint64_t>::is_always_lock_free, "shared between processes");

}  // namespace uwsgi
