// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request/request.h"
#include "request/response.h"
#include "runtime/services.h"

namespace uwsgi {

// Answers to uwsgi packets that are for the server itself. On a core's thread; may wait for locks,
// and for the client like any request.
void HandleCachePacket(const Services& services, Request& request, Response& response);
void HandleRpcPacket(const Services& services, Request& request, Response& response);
void HandleSignalPacket(const Services& services, Request& request, Response& response);
void HandleSpoolPacket(const Services& services, Request& request, Response& response);

}  // namespace uwsgi
