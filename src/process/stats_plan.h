// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/listener.h"
#include "service/metrics.h"
#include "wire/json_writer.h"

namespace uwsgi {

struct Options;

// Where statistics are sent regularly, without being asked for.
enum class PushKind : uint8_t { kFile, kSocket, kStatsd };
struct PushSpec {
  PushKind kind = PushKind::kFile;
  std::string path;                // of kFile
  std::string separator = "\n\n";  // of kFile, behind each document
  SocketAddress address;           // of the others
  std::string prefix = "uwsgi";
  int64_t every_s = 3;
  bool all_gauges = false;  // of kStatsd
};

struct CarbonSpec {
  std::vector<std::string> servers;  // as they were given
  std::vector<SocketAddress> addresses;
  int64_t every_s = 60;
  int64_t timeout_s = 3;
  int64_t most_retries = 1;
  int64_t retry_delay_s = 7;
  std::string root = "uwsgi";
  std::string id;         // empty: made from the first socket
  std::string host_dots;  // what dots in the host name become; empty: they stay
  bool with_workers = true;
  bool with_metrics = false;
};

// Statistics: who is served and what is shown.
struct StatsSpec {
  bool is_served = false;
  ListenerSpec listener;
  bool speaks_http = false;  // clients are expected to ask first (stats-http)
  JsonStyle style = JsonStyle::kTabs;
  bool with_cores = true;
  bool with_metrics = true;
  bool vacuum = false;            // the file of its UNIX socket goes at the end
  int64_t client_timeout_us = 0;  // for a client that neither asks nor takes
  int64_t busy_threshold_us = 0;  // every core busy for longer: not ready; 0: never
  std::vector<PushSpec> pushers;
  CarbonSpec carbon;
  MetricsSpec metrics;  // for their collection

  // Somebody looks at what only statistics show.
  [[nodiscard]] bool is_wanted() const {
    return is_served || !pushers.empty() || !carbon.addresses.empty() || metrics.is_enabled;
  }
};

Result<StatsSpec> PlanStats(const Options& options);

}  // namespace uwsgi
