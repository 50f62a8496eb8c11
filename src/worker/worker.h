// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "net/listener.h"
#include "request/request_spec.h"
#include "runtime/language_runtime.h"
#include "runtime/services.h"
#include "shm/scoreboard.h"
#include "worker/harakiri.h"

namespace uwsgi {

// What a worker needs to know; made by worker_plan from the options.
struct WorkerSpec {
  int processes = 1;                // workers of the instance
  int threads = 1;                  // core threads of each worker
  int64_t stack_bytes = 0;          // of the core threads, 0 = the system's default
  uint64_t max_requests = 0;        // then the worker drains and ends, 0 = never
  uint64_t max_requests_delta = 0;  // times the worker's id, added to it
  int64_t min_worker_lifetime_s = 60;
  bool has_master = false;
  bool record_requests = false;  // what runs is written to the scoreboard (harakiri, stats)
  int64_t mercy_s = 60;          // worker-reload-mercy, of a worker without a master
  HarakiriSpec harakiri;
};

class Migration;
class Succession;

// Why a worker asks its master for a replacement.
enum class RecycleCause : uint8_t { kNone, kMaxRequests, kException };

// Exit statuses of a worker process (reference 11 section 4).
inline constexpr int kExitGraceful = 17;   // asked to end, all requests finished
inline constexpr int kExitImmediate = 30;  // ended without waiting
inline constexpr int kExitNoApp = 22;      // the application could not be loaded

// Work that comes to a worker beside its requests (user signals): when `fd` is readable, `run` is
// called on a core's thread as a request would be, while that core has none. It takes what it has
// come for from the descriptor; it is not called again before it has returned, nor while the worker
// drains.
struct Errand {
  int fd = -1;
  UniqueFunction<void(int core)> run;
};

// What the process that runs a worker gives to it. Everything outlives the worker.
struct WorkerContext {
  int id = 1;     // 1..N, its slot in the scoreboard
  int berth = 0;  // which of the two places that the slot has
  Scoreboard* scoreboard = nullptr;
  std::vector<const Listener*> listeners;  // bound, shared with the other workers
  const RequestSpec* request_spec = nullptr;
  LanguageRuntime* runtime = nullptr;
  const Services* services = nullptr;  // for packets that the server answers itself
  std::vector<Errand> errands;
  Migration* migration = nullptr;    // null when there is nobody to hand connections to
  Succession* succession = nullptr;  // null without a master
  int master_fd = -1;  // readable or at its end when the master is gone; -1 without a master
  UniqueFunction<void()> on_ready;  // called once, when the worker has entered its loop
  UniqueFunction<void()> on_stop;   // called once, when it has been told to end, on any thread
  // Called once, when the worker wants to be replaced: it goes on serving until it is told to end.
  // Empty when nobody replaces it: then it drains by itself.
  UniqueFunction<void(RecycleCause)> on_recycle;
  // Called once, when a request has been given up as it cannot be ended (harakiri); on any thread.
  UniqueFunction<void()> on_given_up;
  // Called while it drains and requests wait here that no other worker takes, each second.
  UniqueFunction<void()> on_waiting;
  UniqueFunction<void(int)>
      end_now;  // ends the process with a status, whatever still runs; does not return
};

// A serving process, from after the fork to its end. Threads are started here and nowhere else.
class Worker {
 public:
  static Result<std::unique_ptr<Worker>> Create(const WorkerSpec& spec, WorkerContext context);
  virtual ~Worker() = default;

  // Serves on the calling (main) thread, which becomes core 0, until it is told to end: SIGHUP and
  // SIGTERM drain (leave the accept set, finish the requests, say "Connection: close"), SIGINT too
  // without a master (a second one does not wait), SIGQUIT ends at once; the death
  // of the master drain as well. Returns the exit status. The language's End() is left to the
  // caller.
  virtual int Run() = 0;

  // From any thread, while it runs: the application has set a deadline for a request.
  virtual void LookAtDeadlines() = 0;
};

}  // namespace uwsgi
