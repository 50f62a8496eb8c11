// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "request/body_source.h"
#include "request/var_table.h"

namespace uwsgi {

struct Front;  // request/front.h: the listener's side of a request

// One request, whatever its protocol. It belongs to a connection and is reused for the connection's
// next one; views stay valid until the response has been finished. One thread at a time uses it.
struct Request {
  VarTable vars;
  BodySource body;
  const Front* front = nullptr;
  uint8_t modifier1 = 0;
  uint8_t modifier2 = 0;
  ByteView block;        // of a uwsgi packet that is for the server itself (runtime/modifier_table)
  bool is_head = false;  // HEAD: the response has no body
  bool is_https = false;     // TLS, or a trusted proxy says so
  bool trusts_peer = false;  // the peer may speak for others: X-Forwarded-* are taken from it
  ByteView scheme;           // "http" or "https": wsgi.url_scheme
  int connection_fd = -1;
  int core = 0;               // the core (thread) that runs it
  int app = -1;               // index of the application that answered, -1 for none
  uint64_t app_requests = 0;  // requests of that application in this worker, this one included
  int64_t started_us = 0;     // monotonic
  int64_t started_wall_us = 0;
  bool log_always = false;                                    // uwsgi.log_this_request()
  std::vector<std::pair<std::string, std::string>> log_vars;  // uwsgi.set_logvar
  Arena arena;  // memory for as long as this request lives

  // Bytes of the variables as a uwsgi packet would carry them, and their number with names and
  // values counted apart.
  [[nodiscard]] size_t PacketSize() const;
  [[nodiscard]] size_t VarCount() const {
    return 2 * (vars.vars().size() + vars.constants().size());
  }

  void Clear();
};

}  // namespace uwsgi
