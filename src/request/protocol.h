// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "net/listener.h"

namespace uwsgi {

class Connection;
struct Exchange;

// What a look at the received bytes came to.
enum class HeadOutcome : uint8_t {
  kNeedMore,  // the head is not complete
  kRequest,   // exchange.request is filled in and its body's framing is known
  kRefused,   // the refusal has been handed to the connection, which closes after sending it
  kDrop,      // close without an answer
};

// Turns bytes into a Request and says how its Response has to be written. Stateless: one object per
// protocol serves all connections of a process; what it must remember between reads lies in the
// Exchange.
class Protocol {
 public:
  virtual ~Protocol() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  virtual HeadOutcome ReadHead(Connection& connection, Exchange& exchange) const = 0;
  // The client was too slow to send a head or a body: whether to answer 408 before closing.
  [[nodiscard]] virtual bool answers_timeouts() const = 0;
};

// The row of a listener's protocol.
const Protocol& ProtocolOf(ListenerProtocol kind);

}  // namespace uwsgi
