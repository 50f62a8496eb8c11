// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "shm/scoreboard.h"

namespace uwsgi {

// Whether a balancer should send requests here.
struct ReadinessFacts {
  const Scoreboard* scoreboard = nullptr;
  int64_t now_us = 0;             // monotonic
  int64_t busy_threshold_us = 0;  // 0: busy cores are always fine
  bool is_started = false;        // every worker of the start has served
  bool is_stopping = false;
  bool has_predecessors = false;  // workers of before a reload still serve
};

// Why not; empty when it is ready.
std::string_view WhyNotReady(const ReadinessFacts& facts);

}  // namespace uwsgi
