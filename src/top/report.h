// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "top/format.h"
#include "top/history.h"
#include "top/stats_model.h"

namespace uwsgi::top {

// What `--once` prints: the same figures as the screen, every column, one line per worker.
std::string OnceTable(const Snapshot& snapshot, const History& history, int64_t wall_time,
                      Charset charset);

// What `--once --json` prints: docs/uwsgitop.md says what each field means.
std::string OnceJson(const Snapshot& snapshot, const History& history, std::string_view address,
                     int64_t wall_time);

}  // namespace uwsgi::top
