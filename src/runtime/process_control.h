// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace uwsgi {

// One row of uwsgi.workers(); times in microseconds, sizes in bytes.
struct WorkerInfo {
  int id = 0;
  pid_t pid = 0;
  uint64_t requests = 0;
  uint64_t delta_requests = 0;
  uint64_t signals = 0;
  uint64_t exceptions = 0;
  std::string status;  // idle, busy, cheap, pause, sigN
  uint64_t rss = 0;
  uint64_t vsz = 0;
  uint64_t running_time = 0;
  int64_t last_spawn = 0;
  uint64_t respawn_count = 0;
  uint64_t tx = 0;
  uint64_t avg_rt = 0;
};

// What an application may ask of the processes around it. Implemented by process/, called by
// languages from any thread.
class ProcessControl {
 public:
  virtual ~ProcessControl() = default;
  // 1..N in a worker, 0 elsewhere.
  [[nodiscard]] virtual int worker_id() const = 0;
  // 1..N in a mule, 0 elsewhere.
  [[nodiscard]] virtual int mule_id() const = 0;
  [[nodiscard]] virtual bool is_spooler() const = 0;
  // 0 when there is no master.
  [[nodiscard]] virtual pid_t master_pid() const = 0;
  [[nodiscard]] virtual std::vector<WorkerInfo> workers() const = 0;
  [[nodiscard]] virtual uint64_t total_requests() const = 0;
  // Requests this worker's core has completed before the current one.
  [[nodiscard]] virtual uint64_t core_requests(int core) const = 0;
  // A graceful reload or stop of the instance; false when there is nobody to do it.
  virtual bool Reload() = 0;
  // The code of the application has changed on disk: the master reloads. What the trial of that
  // reload writes itself does not begin it anew for ever.
  virtual void TellOfNewCode() = 0;
  virtual bool Stop() = 0;
  // Seconds from now after which the running request's worker is killed; 0 cancels. False without a
  // master.
  virtual bool SetUserHarakiri(int core, int seconds) = 0;
  virtual void SetAccepting(bool accepting) = 0;
  virtual void SetProcessTitle(const std::string& title) = 0;
};

}  // namespace uwsgi
