// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "wire/http1_parser.h"

namespace uwsgi {

// What a PROXY header says about the client. `known` is false for `PROXY UNKNOWN` and LOCAL: the
// peer's own address counts.
struct ProxyHeader {
  bool known = false;
  std::string source_address;  // as text; empty for a UNIX socket
  uint16_t source_port = 0;
  std::string destination_address;
  uint16_t destination_port = 0;
};

// Decodes a PROXY header of version 1 or 2 at the start of a connection, strictly: after kError
// close without an answer (error_status is 0). After kNeedMore call again with the same bytes and
// more; a header is short, so it is read again.
ParseOutcome DecodeProxyHeader(ByteView in, ProxyHeader& header);

}  // namespace uwsgi
