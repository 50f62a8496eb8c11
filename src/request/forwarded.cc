// SPDX-License-Identifier: Apache-2.0
#include "request/forwarded.h"

#include <atomic>

#include "base/log.h"
#include "base/strings.h"
#include "request/connection.h"

namespace uwsgi {
namespace {

// An operator whose front server was believed by uWSGI would look for this long.
void SayWhoIsNotBelieved(const Connection& connection) {
  static std::atomic<bool> said = false;
  if (!connection.spec().trusted_proxies.empty() || said.exchange(true)) return;
  const std::string_view peer = connection.peer_text();
  Log("*** X-Forwarded-Proto of {} is not believed, wsgi.url_scheme stays http: if that is your "
      "front server, and it lets no client say so, name it with trusted-proxy = {} ***",
      peer.empty() ? "a UNIX peer" : peer, peer.empty() ? "unix" : peer);
}

}  // namespace

bool IsForwardedAsHttps(const Connection& connection, const Request& request) {
  const ByteView ssl = request.vars.Get(CgiName::kHttpXForwardedSsl);
  const bool is_said =
      EqualsIgnoringCase(request.vars.Get(CgiName::kHttpXForwardedProto), "https") ||
      EqualsIgnoringCase(ssl, "on") || ssl == "1";
  if (is_said && !connection.peer_is_trusted()) SayWhoIsNotBelieved(connection);
  return is_said && connection.peer_is_trusted();
}

}  // namespace uwsgi
