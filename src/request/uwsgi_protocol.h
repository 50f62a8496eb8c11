// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/protocol.h"

namespace uwsgi {

// The uwsgi protocol (reference 20 section 7): packets of variables from a front server such as
// nginx, one request per connection.
class UwsgiProtocol final : public Protocol {
 public:
  [[nodiscard]] std::string_view name() const override { return "uwsgi"; }
  HeadOutcome ReadHead(Connection& connection, Exchange& exchange) const override;
  [[nodiscard]] bool answers_timeouts() const override { return false; }
};

}  // namespace uwsgi
