// SPDX-License-Identifier: Apache-2.0
// What a client of the statistics socket is taken for stays the same when more of it arrives, once
// it is told apart.
#include <cstddef>
#include <cstdlib>

#include "process/stats_request.h"

using namespace uwsgi;
using Kind = StatsRequest::Kind;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const StatsRequest whole = ReadStatsRequest(input);
  for (size_t seen = 0; seen < size && seen < 64; ++seen) {
    const Kind kind = ReadStatsRequest(input.substr(0, seen)).kind;
    if (kind == Kind::kRaw && whole.kind != Kind::kRaw) std::abort();
    if (kind == Kind::kComplete && whole.kind != Kind::kComplete) std::abort();
    if (kind == Kind::kPartial && (whole.kind == Kind::kRaw || whole.kind == Kind::kUnknown))
      std::abort();
  }
  return 0;
}
