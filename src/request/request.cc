// SPDX-License-Identifier: Apache-2.0
#include "request/request.h"

namespace uwsgi {

size_t Request::PacketSize() const {
  size_t size = 0;
  for (const Var& var : vars.vars()) size += 4 + var.name.size() + var.value.size();
  for (const Var& var : vars.constants()) size += 4 + var.name.size() + var.value.size();
  return size;
}

void Request::Clear() {
  vars.Clear();
  body.Clear();
  front = nullptr;
  modifier1 = modifier2 = 0;
  block = {};
  is_head = is_https = trusts_peer = false;
  scheme = "http";
  connection_fd = -1;
  core = 0;
  app = -1;
  app_requests = 0;
  started_us = started_wall_us = 0;
  log_always = false;
  if (!log_vars.empty()) log_vars.clear();
  arena.Reset();
}

}  // namespace uwsgi
