// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace uwsgi {

// The processors of worker `id` (from 1) when each worker gets `per_worker` of the `available`
// ones, one worker after the other, going round. Empty when `per_worker` is 0.
std::vector<int> CpusOf(int id, int per_worker, const std::vector<int>& available);

// Those this process may run on.
std::vector<int> AvailableCpus();

// Binds the calling process to the processors of worker `id`, and says so in the log.
Status BindToCpus(int id, int per_worker);

}  // namespace uwsgi
