// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace uwsgi {

// Waits until the descriptor is ready for these events of poll(2), or broken; false after the time.
// Signals do not make the wait shorter, nor longer.
bool AwaitReady(int fd, short events, int64_t timeout_ms);

}  // namespace uwsgi
