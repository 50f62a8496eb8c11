// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace uwsgi {

// What a client of the statistics socket may ask for.
enum class StatsPage : uint8_t { kJson, kDashboard, kMetrics, kHealth, kReadiness, kNothing };

struct StatsRequest {
  enum class Kind : uint8_t {
    kUnknown,   // too few bytes to tell
    kPartial,   // HTTP, but its head is not complete
    kComplete,  // HTTP
    kRaw,       // not HTTP: the document is wanted, whatever was said
  };
  Kind kind = Kind::kUnknown;
  StatsPage page = StatsPage::kJson;
  bool head_only = false;
  bool is_silent = false;  // it has said nothing at all
};

// Reads what a client has sent so far. Whatever it is has an answer; what we do not know gets the
// document, as from the predecessor.
StatsRequest ReadStatsRequest(std::string_view bytes);

}  // namespace uwsgi
