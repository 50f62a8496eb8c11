// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "process/stats_plan.h"
#include "service/metrics.h"
#include "shm/scoreboard.h"

namespace uwsgi {

// What one metric with this value is in a datagram: "PREFIX.NAME TYPE VALUE" for sockets,
// "PREFIX.NAME:VALUE|g" (or |c) for statsd.
std::string PushText(const PushSpec& spec, const Metrics::Row& row, int64_t value);

// The lines for carbon, one for each figure (reference 34 section 6).
struct CarbonFacts {
  const Scoreboard* scoreboard = nullptr;
  const Metrics* metrics = nullptr;  // instead of the figures of the workers, when asked for
  std::string host;
  std::string id;
  int64_t now_s = 0;
};
std::string CarbonText(const CarbonSpec& spec, const CarbonFacts& facts);

// A name as one part of a carbon path: dots and blanks would end it.
std::string CarbonPart(std::string_view name, std::string_view dots);

}  // namespace uwsgi
