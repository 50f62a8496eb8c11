// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "service/packet_client.h"

namespace uwsgi {

// Calls a function of another server. Empty: it is not reachable, knows no such function, or had
// nothing to say. Waits, for no longer than the time given.
std::optional<std::string> CallRemote(ByteView address, ByteView name,
                                      const std::vector<ByteView>& args,
                                      int64_t timeout_ms = PacketClient::kUsualTimeoutMs);

}  // namespace uwsgi
