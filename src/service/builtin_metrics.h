// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "net/listener.h"
#include "service/metrics.h"
#include "service/signal_router.h"
#include "shm/scoreboard.h"

namespace uwsgi {

struct BuiltinMetricSize {
  int workers = 0;
  int cores = 0;  // of each worker; 0: there are no metrics of cores
  size_t sockets = 0;
};
// How many BuiltinMetrics() returns.
size_t BuiltinMetricCount(const BuiltinMetricSize& size);

// The metrics that are always there, in the order of the stats (reference 13 section 2): of the
// instance, of every worker (worker.0 is their total), of its cores, of the sockets. What they
// point at outlives them. Without a router there are no user signals.
std::vector<MetricSpec> BuiltinMetrics(const Scoreboard& scoreboard, const SignalRouter* signals,
                                       const std::vector<const Listener*>& listeners,
                                       bool with_cores);

}  // namespace uwsgi
