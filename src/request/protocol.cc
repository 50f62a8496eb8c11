// SPDX-License-Identifier: Apache-2.0
#include "request/protocol.h"

#include "request/http1_protocol.h"
#include "request/uwsgi_protocol.h"

namespace uwsgi {

const Protocol& ProtocolOf(ListenerProtocol kind) {
  static const Http1Protocol http1;
  static const UwsgiProtocol uwsgi;
  switch (kind) {
    case ListenerProtocol::kHttp:
    case ListenerProtocol::kHttpSocket:
    case ListenerProtocol::kHttp11Socket:
      return http1;
    case ListenerProtocol::kUwsgi:
      break;
  }
  return uwsgi;
}

}  // namespace uwsgi
