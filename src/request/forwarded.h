// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

class Connection;
struct Request;

// Whether X-Forwarded-Proto or X-Forwarded-SSL say that the client came by HTTPS, and the peer is
// one of `trusted-proxy`: anybody can send them, and front servers pass them on. The log tells once
// per process of a peer that is not believed while no `trusted-proxy` is named.
bool IsForwardedAsHttps(const Connection& connection, const Request& request);

}  // namespace uwsgi
