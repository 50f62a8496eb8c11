// SPDX-License-Identifier: Apache-2.0
#include "worker/worker_plan.h"

#include "config/options.h"

namespace uwsgi {
namespace {

constexpr int64_t kMostCores = 4096;

Status RequireWithin(const Options& options, std::string_view name, int64_t value, int64_t least,
                     int64_t most) {
  if (value >= least && value <= most) return {};
  return Fail("{} = {}: it must be between {} and {} ({})", name, value, least, most,
              options.OriginOf(name).text());
}

// Without a master nobody would replace the worker.
HarakiriSpec PlanHarakiri(const Options& options) {
  constexpr int64_t kSecond = 1'000'000;
  HarakiriSpec spec;
  spec.limit_us = options.master ? options.harakiri * kSecond : 0;
  spec.grace_us = options.harakiri_graceful_timeout * kSecond;
  spec.verbose = options.harakiri_verbose;
  spec.signal = static_cast<int>(options.harakiri_graceful_signal);
  spec.least_backlog = static_cast<int>(options.harakiri_queue_threshold);
  return spec;
}

}  // namespace

Result<WorkerSpec> PlanWorker(const Options& options) {
  TRY_STATUS(RequireWithin(options, "processes", options.processes, 1, kMostCores));
  TRY_STATUS(RequireWithin(options, "threads", options.threads, 1, kMostCores));
  WorkerSpec spec;
  spec.processes = static_cast<int>(options.processes);
  spec.threads = static_cast<int>(options.threads);
  spec.stack_bytes = options.threads_stacksize * 1024;
  spec.max_requests = static_cast<uint64_t>(options.max_requests);
  spec.max_requests_delta = static_cast<uint64_t>(options.max_requests_delta);
  spec.min_worker_lifetime_s = options.min_worker_lifetime;
  spec.has_master = options.master;
  // Nobody else looks at it: a master, and workers that want to know whether another is free.
  spec.record_requests = options.master || options.processes > 1;
  spec.mercy_s = options.worker_reload_mercy;
  spec.harakiri = PlanHarakiri(options);
  return spec;
}

}  // namespace uwsgi
