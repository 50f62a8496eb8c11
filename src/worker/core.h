// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "request/access_log.h"
#include "request/connection.h"
#include "request/push_gate.h"
#include "runtime/language_runtime.h"
#include "shm/scoreboard.h"
#include "worker/recorder.h"
#include "worker/worker.h"

namespace uwsgi {

// What the cores of a worker share.
struct CoreShared {
  const WorkerSpec* spec = nullptr;
  int worker_id = 1;
  WorkerSlot* slot = nullptr;  // of this process
  LanguageRuntime* runtime = nullptr;
  const Services* services = nullptr;  // may be null: none
  Scoreboard* scoreboard = nullptr;
  std::atomic<uint64_t> requests{0};  // of this process
  // max-requests has been reached, or the application raised what the operator watches for.
  std::atomic<RecycleCause> recycle_wanted{RecycleCause::kNone};
};

// A seat for a running request: one thread that applications may run on. Only that thread uses it.
class Core {
 public:
  Core(int id, CoreShared& shared, const AccessLogSpec& log);

  [[nodiscard]] int id() const { return id_; }
  // Runs the complete request of the connection, writes its log line and counts it. Returns what
  // the connection wants next. `may_rest`: the end of its answer may rest behind the push gate.
  Step Run(Connection& connection, bool may_rest);
  // Whether the end of the last answer does rest: the caller pushes it.
  [[nodiscard]] bool answer_rests() const { return answer_rests_; }
  [[nodiscard]] int64_t ended_us() const { return ended_us_; }  // the last request, monotonic
  [[nodiscard]] PushGate& push_gate() { return push_gate_; }
  [[nodiscard]] int64_t average_us() const { return average_us_; }
  // Before the thread waits: the language gives back its lock, log lines leave.
  void BeforeWait();
  // From any thread: the lines of finished requests leave.
  void FlushLog() { log_.Flush(); }
  // Requests have lately taken so long that others should not wait behind one.
  [[nodiscard]] bool is_slow() const { return average_us_ > kSlowUs; }

 private:
  static constexpr int64_t kSlowUs = 700;

  // Whoever the request is for answers it.
  RequestResult Answer(Request& request, Response& response);
  void Count(const Request& request, const Response& response, const RequestResult& result,
             int64_t micros);

  int id_;
  CoreShared& shared_;
  WorkerSlot& worker_slot_;
  CoreSlot& slot_;
  Recorder recorder_;
  AccessLog log_;
  PushGate push_gate_;
  bool answer_rests_ = false;
  int64_t ended_us_ = 0;
  int64_t average_us_ = 0;  // of the last eight or so
};

}  // namespace uwsgi
