// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace uwsgi {

// Asks another server (host:port or the path of a UNIX socket) to raise a user signal; waits for
// its answer, a few seconds at most. Whether it took the signal.
Result<bool> SendRemoteSignal(std::string_view address, uint8_t signal);

// The packet that asks, and the one that answers (reference 33 section 1.5).
std::string RemoteSignalPacket(uint8_t signal);
std::string RemoteSignalAnswer(bool taken);

}  // namespace uwsgi
