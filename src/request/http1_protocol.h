// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/protocol.h"

namespace uwsgi {

// HTTP/1.0 and HTTP/1.1 (RFC 9112, reference 21): heads into CGI variables, optional PROXY lines of
// trusted balancers.
class Http1Protocol final : public Protocol {
 public:
  [[nodiscard]] std::string_view name() const override { return "http1"; }
  HeadOutcome ReadHead(Connection& connection, Exchange& exchange) const override;
  [[nodiscard]] bool answers_timeouts() const override { return true; }
};

}  // namespace uwsgi
