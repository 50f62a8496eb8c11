// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "net/listener.h"
#include "request/protocol.h"
#include "request/request_spec.h"
#include "request/var_table.h"

namespace uwsgi {

// A listener as its requests see it: the protocol spoken there, the limits, and the variables that
// all its requests share. Made once per worker, outlives its connections.
struct Front {
  int index = 0;
  ListenerProtocol kind = ListenerProtocol::kHttpSocket;
  const Protocol* protocol = nullptr;
  const RequestSpec* spec = nullptr;
  const Listener* listener = nullptr;
  bool expects_proxy_line = false;
  std::vector<Var> constants;
  std::deque<std::string> texts;  // what the constants point into
};

Front MakeFront(int index, const Listener& listener, const RequestSpec& spec);

}  // namespace uwsgi
